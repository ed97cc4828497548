// Numbers of every type as doubles.

import HHFormat
import Testing

@Suite("DType: doubles")
struct DoubleConversionTests {
  static let cases: [(DType, [UInt8], [Double])] = [
    (.bool, [0, 1], [0, 1]),
    (.u8, [0, 255], [0, 255]),
    (.i8, [0x80, 0x7F], [-128, 127]),
    (.u16, [0xFF, 0xFF], [65_535]),
    (.i16, [0x00, 0x80], [-32_768]),
    (.u32, [0xFF, 0xFF, 0xFF, 0xFF], [4_294_967_295]),
    (.i32, [0x00, 0x00, 0x00, 0x80], [-2_147_483_648]),
    (.u64, [1, 0, 0, 0, 0, 0, 0, 0x80], [9_223_372_036_854_775_808]),
    (.i64, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [-2]),
    (.f64, [0x18, 0x2D, 0x44, 0x54, 0xFB, 0x21, 0x09, 0x40], [3.141592653589793]),
    (.f32, [0, 0, 0x80, 0x3F, 0, 0, 0x80, 0xFF], [1, -.infinity]),
    (.f16, [0x01, 0x00], [0x1p-24]),
    (.bf16, [0x80, 0x3F, 0x00, 0xC0], [1, -2]),
  ]

  @Test("the numeric types are read exactly", arguments: cases)
  func reads(_ dtype: DType, _ bytes: [UInt8], _ expected: [Double]) {
    #expect(dtype.isNumeric)
    var values = [Double](repeating: 0, count: expected.count)
    var output = values.mutableSpan
    #expect(dtype.doubles(bytes.raw, to: &output))
    #expect(values == expected)
  }

  @Test("every other type is left alone")
  func others() {
    let covered = Set(Self.cases.map(\.0))
    for dtype in DType.allCases where !covered.contains(dtype) {
      #expect(!dtype.isNumeric)
      var values = [7.0]
      var output = values.mutableSpan
      #expect(!dtype.doubles([1, 2, 3, 4].raw, to: &output))
      #expect(values == [7])
    }
  }
}
