import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFValue")
struct GGUFValueTests {
  private static let values: [GGUFValue] = [
    .uint8(200), .int8(-100), .uint16(60000), .int16(-30000), .uint32(4_000_000_000),
    .int32(-2_000_000_000), .float32(1e-5), .bool(true), .string("é"),
    .array(GGUFArray(elementType: .int16, count: 3, byteRange: 0..<6)), .uint64(.max),
    .int64(.min), .float64(1e-300),
  ]

  @Test("every value knows its type, and types have the numbers of the format")
  func types() {
    #expect(Self.values.map(\.type) == GGUFValueType.allCases)
    #expect(GGUFValueType.allCases.map(\.rawValue) == Array(0...12))
  }

  @Test("whole numbers are exact or nil, floats and text none")
  func integers() {
    #expect(
      Self.values.map(\.integer) == [
        200, -100, 60000, -30000, 4_000_000_000, -2_000_000_000, nil, nil, nil, nil, nil, Int.min,
        nil,
      ])
    #expect(GGUFValue.uint64(5).integer == 5)
  }

  @Test("a float32 is the shortest decimal that means it")
  func numbers() {
    #expect(GGUFValue.float32(1e-5).number == 1e-5)
    #expect(GGUFValue.float32(.infinity).number == .infinity)
    #expect(GGUFValue.float32(.nan).number?.isNaN == true)
    #expect(GGUFValue.uint64(.max).number == 0x1p64)
    #expect(GGUFValue.int8(-3).number == -3)
    #expect(GGUFValue.string("1").number == nil && GGUFValue.bool(true).number == nil)
  }

  @Test("a value is told as people write it")
  func texts() {
    #expect(
      Self.values.map(\.text) == [
        "200", "-100", "60000", "-30000", "4000000000", "-2000000000", "1e-05", "true", "'é'",
        "an array of 3 int16", "1.8446744073709552e+19", "-9223372036854775808", "1e-300",
      ])
  }

  @Test("a value takes at least its bytes, a string its length, an array its type and count")
  func sizes() {
    for (version, length) in [(1, 4), (3, 8)] as [(UInt32, Int)] {
      let forge = GGUFForge(version: version)
      let least: [GGUFValueType: Int] = [
        .string: forge.string("").count, .array: forge.array(.int8, 0, []).count, .bool: 1,
        .uint8: 1, .int16: 2, .float32: 4, .uint32: 4, .int64: 8, .float64: 8,
      ]
      for (type, count) in least {
        #expect(type.minimumByteCount(lengthSize: length) == count, "\(type)")
      }
    }
  }
}
