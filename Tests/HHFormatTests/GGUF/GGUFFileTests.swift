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
