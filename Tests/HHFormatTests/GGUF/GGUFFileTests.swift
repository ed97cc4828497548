// GGUF files are read in every version and byte order; every kind of fault is named; nothing crashes.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFFile")
struct GGUFFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    try GGUFFile(at: try directory.write(bytes, to: "model.gguf"))
  }

  // MARK: Faults

  @Test("a defective file is refused with its place and fault", arguments: GGUFDefect.all)
  func defect(_ defect: GGUFDefect) throws {
    let path = try directory.write(defect.bytes, to: "bad.gguf")
    let error = #expect(throws: FormatError.self) { try GGUFFile(at: path) }
    #expect(error?.kind == defect.kind)
    #expect(error?.file == path)
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains(", found ") == true, "\(error?.problem ?? "")")
  }

  @Test(
    "no prefix of a valid file is valid",
    arguments: [(1, false), (2, false), (2, true), (3, false), (3, true)])
  func prefixes(version: UInt32, isBigEndian: Bool) throws {
    let bytes = GGUFForge.sample(version: version, isBigEndian: isBigEndian).bytes
    _ = try open(bytes)
    for length in bytes.indices {
      #expect(throws: FormatError.self) { try open(Array(bytes[..<length])) }
    }
  }

  @Test("a changed byte is refused or read inside the file", arguments: 0..<4)
  func mutations(seed: UInt64) throws {
    let sample = GGUFForge.sample(
      version: [1, 2, 3, 3][Int(seed)], isBigEndian: seed == 3)
    let bytes = sample.bytes
    let header = bytes.count - 128
    var forge = FileForge(seed: seed)
    for _ in 0..<1000 {
      var changed = bytes
      changed[forge.next(below: header)] = UInt8(truncatingIfNeeded: forge.next())
      do {
        let file = try open(changed)
        for tensor in file.tensors {
          if file.bytes(of: tensor).byteCount != tensor.byteRange.count { Issue.record("bytes") }
          var values = [Float](repeating: 0, count: tensor.elementCount)
          var span = values.mutableSpan
          tensor.type.dequantize(file.bytes(of: tensor), to: &span)
        }
        _ = try file.strings("k.names")
        _ = try file.integers("k.counts")
      } catch is FormatError {}
    }
  }

  // MARK: What is accepted

  @Test(
    "every version and byte order gives the same content",
    arguments: [(1, false), (2, false), (3, false), (2, true), (3, true)])
  func versions(version: UInt32, isBigEndian: Bool) throws {
    let file = try open(GGUFForge.sample(version: version, isBigEndian: isBigEndian).bytes)
    let header = file.header
    #expect(header.version == Int(version))
    #expect(header.isBigEndian == isBigEndian)
    #expect(header["general.architecture"] == .string("example"))
    #expect(header["k.u8"]?.integer == 200)
    #expect(header["k.i8"]?.integer == -100)
    #expect(header["k.u16"]?.integer == 60000)
    #expect(header["k.i16"]?.integer == -30000)
    #expect(header["k.u32"]?.integer == 4_000_000_000)
    #expect(header["k.i32"]?.integer == -2_000_000_000)
    #expect(header["k.u64"] == .uint64(.max))
    #expect(header["k.u64"]?.integer == nil)
    #expect(header["k.i64"]?.integer == Int.min)
    #expect(header["k.f32"]?.number == 1e-5)
    #expect(header["k.f64"]?.number == 1e-300)
    #expect(header["k.bool"]?.bool == true)
    #expect(header["absent"] == nil)
    #expect(try file.strings("k.names") == ["é", ""])
    #expect(try file.integers("k.counts") == (isBigEndian ? [1, 515] : [256, 770]))
    #expect(file.tensors.map(\.name) == ["a", "b", "c"])
    #expect(file.tensors.map(\.shape) == [[2, 3], [1, 32], [16]])
    #expect(file.tensors.map(\.type) == [.f32, .q8_0, .bf16])
    #expect(file.bytes(of: file.tensors[0]).copied().count == 24)
  }

  @Test("an array of another type than is asked for is an error that names the key")
  func arrayTypes() throws {
    let file = try open(GGUFForge.sample().bytes)
    let error = #expect(throws: FormatError.self) { try file.strings("k.counts") }
    #expect(error?.place == "key 'k.counts'")
    #expect(error?.problem == "expected an array of strings, found an array of 2 int16")
    #expect(throws: FormatError.self) { try file.integers("k.names") }
    #expect(throws: FormatError.self) { try file.floats("k.u8") }
    #expect(try file.strings("absent") == nil)
  }

  @Test("missing padding at the end, a file of keys only and an empty tensor are accepted")
  func leniency() throws {
    var forge = GGUFForge.sample()
    forge.padsEnd = false
    forge.tensors.removeLast()
    #expect(try open(forge.bytes).tensors.count == 2)
    forge.tensors = []
    #expect(try open(forge.bytes).tensors.isEmpty)
    forge.add(tensor: "empty", .f16, [0, 7], [])
    forge.add(tensor: "scalar", .f32, [], [0, 0, 0x80, 0x3F])
    #expect(try open(forge.bytes).tensors.map(\.shape) == [[0, 7], []])
  }

  @Test("the alignment of the key is the one that counts", arguments: [1, 8, 64, 4096])
  func alignment(_ alignment: Int) throws {
    var forge = GGUFForge.sample()
    forge.add("general.alignment", UInt32(alignment))
    forge.alignment = alignment
    let file = try open(forge.bytes)
    #expect(file.header.alignment == alignment)
    #expect(file.tensors.allSatisfy { $0.byteRange.lowerBound.isMultiple(of: alignment) })
  }

  // MARK: Files of the reference implementation

  @Test("gguf-py's files give what it was told to write", arguments: ["little", "big"])
  func reference(_ order: String) throws {
    let file = try GGUFFile(at: Fixtures.path("golden/gguf/values-\(order).gguf"))
    #expect(file.header.isBigEndian == (order == "big"))
    #expect(file.header["a.uint8"] == .uint8(200))
    #expect(file.header["a.int8"] == .int8(-100))
    #expect(file.header["a.uint16"] == .uint16(60000))
    #expect(file.header["a.int16"] == .int16(-30000))
    #expect(file.header["a.uint32"] == .uint32(4_000_000_000))
    #expect(file.header["a.int32"] == .int32(-2_000_000_000))
    #expect(file.header["a.uint64"] == .uint64(.max))
    #expect(file.header["a.int64"] == .int64(.min))
    #expect(file.header["a.float32"] == .float32(1e-5))
    #expect(file.header["a.float64"] == .float64(1e-300))
    #expect(file.header["a.bool"] == .bool(true))
    #expect(file.header["a.string"] == .string("Größe ✓"))
    #expect(try file.strings("a.strings") == ["", "x", "zwölf"])
    #expect(try file.integers("a.integers") == [1, -2, 3])
    #expect(try file.floats("a.floats") == [0.5, -0.25])
    #expect(file.header["a.bools"]?.array?.count == 2)
    let plain = ["float32", "float16", "float64", "int8", "int16", "int32", "int64"]
    let quantised = order == "little" ? ["Q8_0", "Q4_0"] : []
    #expect(file.tensors.map(\.name) == (plain + quantised).map { "t.\($0)" })
    #expect(file.tensors.prefix(3).allSatisfy { $0.shape == [3, 5] })
    #expect(file.tensors.dropFirst(3).prefix(4).allSatisfy { $0.shape == [1, 2, 3] })
  }
}
