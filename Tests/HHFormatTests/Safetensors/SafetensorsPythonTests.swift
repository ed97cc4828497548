// The official Python package as a judge of our reader and our writer.

import HHFormat
import HHTestSupport
import Testing

@Suite("Safetensors against Python", .needsPython)
struct SafetensorsPythonTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("our file is the official writer's file, byte for byte")
  func sameBytes() throws {
    var forge = FileForge(seed: 11)
    // The types that NumPy has, so that the official writer can be given the same tensors.
    let dtypes: [DType] = [
      .bool, .u8, .i8, .i16, .u16, .f16, .i32, .u32, .f32, .f64, .i64, .u64, .c64,
    ]
    let names = [
      "", "a", "B", "é", "\u{1F600}", "quo\"te", "back\\slash", "\u{8}\u{C}\n\u{1F}\u{7F}",
    ]
    var declarations: [SafetensorsWriter.Declaration] = []
    for dtype in dtypes {
      for name in names {
        let shape = (0..<forge.next(below: 4)).map { _ in forge.next(below: 4) }
        declarations.append(("\(name).\(dtype.rawValue.lowercased())", dtype, shape))
      }
    }
    let tensors = SafetensorsWriter.canonicalOrder(declarations).map { tensor in
      let size = SafetensorsWriter.byteCount(tensor) ?? 0
      // A Boolean is 0 or 1.
      let bytes = tensor.dtype == .bool ? forge.bytes(size).map { $0 & 1 } : forge.bytes(size)
      return (name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, bytes: bytes)
    }
    let ours = directory.path("ours.safetensors")
    try SafetensorsWriter.write(to: ours, tensors: tensors, metadata: [("format", "pt")])
    let program = """
      import sys, random
      from safetensors.numpy import load_file, save_file
      items = list(load_file(sys.argv[1]).items())
      random.Random(5).shuffle(items)
      save_file(dict(items), sys.argv[2], metadata={"format": "pt"})
      a, b = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
      print("same" if a == b else f"differ: {a[:300]} {b[:300]}")
      """
    let result = try Python.run(program, [ours, directory.path("theirs.safetensors")])
    #expect(result.output == "same\n")
  }

  @Test("the official reader refuses every defective file, but for those that only we refuse")
  func defects() throws {
    var paths: [String] = []
    for (index, defect) in SafetensorsDefect.all.enumerated() {
      paths.append(try directory.write(defect.bytes, to: "\(index).safetensors"))
    }
    let program = """
      import sys
      from safetensors import safe_open
      for path in sys.argv[1:]:
          try:
              with safe_open(path, "np"): print("accepted")
          except Exception: print("refused")
      """
    let verdicts = try Python.run(program, paths).output.split(separator: "\n")
    try #require(verdicts.count == paths.count, "\(verdicts)")
    for (defect, verdict) in zip(SafetensorsDefect.all, verdicts) {
      #expect(verdict == (defect.isOurRule ? "accepted" : "refused"), "\(defect.name)")
    }
  }
}
