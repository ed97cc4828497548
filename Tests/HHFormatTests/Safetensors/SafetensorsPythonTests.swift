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

  @Test("every type that the official writer knows gives its bytes, narrow ones included")
  func everyType() throws {
    var forge = FileForge(seed: 12)
    // The reference implementation lists the six-bit types, but its writer has no name for them.
    let dtypes = DType.allCases.filter { $0.bitWidth != 6 }
    let declarations = dtypes.flatMap { dtype in
      [[8], [3, 0, 2], [2, 4, 6]].map { ("\(dtype.rawValue) \($0)", dtype, $0) }
    }
    let tensors = SafetensorsWriter.canonicalOrder(declarations).map { tensor in
      (
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        bytes: forge.bytes(SafetensorsWriter.byteCount(tensor) ?? 0)
      )
    }
    let ours = directory.path("ours.safetensors")
    try SafetensorsWriter.write(to: ours, tensors: tensors, metadata: [("format", "pt")])
    let program = """
      import ctypes, json, random, sys
      from safetensors import TensorSpec, safe_open, serialize
      names = {"BOOL": "bool", "F4": "float4_e2m1fn_x2", "F8_E5M2": "float8_e5m2",
          "F8_E4M3": "float8_e4m3fn", "F8_E8M0": "float8_e8m0fnu",
          "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
          "BF16": "bfloat16", "C64": "complex64"}
      kinds = {"I": "int", "U": "uint", "F": "float"}
      content = open(sys.argv[1], "rb").read()
      start = 8 + int.from_bytes(content[:8], "little")
      data = ctypes.create_string_buffer(content[start:] or b" ")
      items = list(json.loads(content[8:start]).items())
      random.Random(5).shuffle(items)
      specs = {}
      for name, entry in items:
          if name == "__metadata__":
              continue
          begin, end = entry["data_offsets"]
          shape, dtype = entry["shape"], entry["dtype"]
          if dtype == "F4":
              shape[-1] //= 2
          specs[name] = TensorSpec(dtype=names.get(dtype) or kinds[dtype[0]] + dtype[1:],
              shape=shape, data_ptr=ctypes.addressof(data) + begin, data_len=end - begin)
      theirs = serialize(specs, {"format": "pt"})
      print("same" if theirs == content else f"differ: {content[:300]} {theirs[:300]}")
      """
    #expect(try Python.run(program, [ours]).output == "same\n")
  }

  @Test("the official reader lists our tensors of every type as they are")
  func everyTypeRead() throws {
    var forge = FileForge(seed: 13)
    let tensors = DType.allCases.map { (name: $0.rawValue, dtype: $0, shape: [2, 8]) }
    let path = try directory.write(try forge.safetensors(tensors), to: "all.safetensors")
    let program = """
      import sys
      from safetensors import safe_open
      with safe_open(sys.argv[1], "np") as file:
          for name in file.keys():
              part = file.get_slice(name)
              print(name, part.get_dtype(), part.get_shape())
      """
    let lines = Set(try Python.run(program, [path]).output.split(separator: "\n"))
    #expect(lines == Set(tensors.map { "\($0.name) \($0.name) [2, 8]" }))
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
