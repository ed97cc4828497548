import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFKeyValue")
struct GGUFKeyValueTests {
  private let forge = GGUFForge()

  @Test("plain values are encoded as the forge lays them out")
  func plain() {
    #expect(GGUFKeyValue.string("k", "é").bytes == forge.string("é"))
    #expect(GGUFKeyValue.uint32("k", 0x1234_5678).bytes == [0x78, 0x56, 0x34, 0x12])
    #expect(GGUFKeyValue.float32("k", 1.5).bytes == forge.integer(Float(1.5).bitPattern))
    #expect(GGUFKeyValue.bool("k", true).bytes == [1])
    #expect(GGUFKeyValue("k", .int16(-2)).bytes == [0xFE, 0xFF])
    #expect(GGUFKeyValue("k", .float64(0.1)).bytes == forge.integer((0.1).bitPattern))
    #expect(GGUFKeyValue("k", .uint64(.max)).bytes == [UInt8](repeating: 0xFF, count: 8))
  }

  @Test("arrays begin with their type and count")
  func arrays() {
    let integers = GGUFKeyValue.integers("k", [1, -1])
    #expect(integers.type == .array)
    #expect(integers.bytes == forge.array(.int32, 2, [1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]))
    #expect(GGUFKeyValue.floats("k", []).bytes == forge.array(.float32, 0, []))
    #expect(
      GGUFKeyValue.strings("k", ["a", ""]).bytes
        == forge.array(.string, 2, forge.string("a") + forge.string("")))
  }

  @Test("another key keeps type and value")
  func renamed() {
    let one = GGUFKeyValue.strings("a", ["x"])
    #expect(one.renamed("b") == GGUFKeyValue.strings("b", ["x"]))
  }

  @Test("padding goes up to the alignment, and nowhere from there")
  func padding() {
    var encoder = GGUFEncoder()
    encoder.pad(to: 8)
    #expect(encoder.bytes.isEmpty)
    encoder.append([1, 2, 3])
    for _ in 0..<2 { encoder.pad(to: 8) }
    #expect(encoder.bytes == [1, 2, 3, 0, 0, 0, 0, 0])
  }

  @Test("an array given as a plain value and elements of mixed types stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      _ = GGUFKeyValue("k", .array(GGUFArray(elementType: .int8, count: 0, byteRange: 0..<0)))
    }
    await #expect(processExitsWith: .failure) {
      _ = GGUFKeyValue.array("k", of: .int8, [.int8(1), .uint8(1)])
    }
  }
}
