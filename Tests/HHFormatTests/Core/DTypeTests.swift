import HHFormat
import Testing

@Suite("DType")
struct DTypeTests {
  @Test("widths are those of the names")
  func widths() {
    for dtype in DType.allCases where dtype != .bool {
      // The digits behind the first letters: F6_E2M3 has 6 bits, BF16 has 16.
      let digits = dtype.rawValue.drop { !$0.isNumber }.prefix(while: \.isNumber)
      #expect(Int(digits) == dtype.bitWidth, "\(dtype)")
    }
    #expect(DType.bool.bitWidth == 8)
  }

  @Test("only floats of 16 and 32 bits are computed with; F64 is scanned")
  func computable() {
    #expect(DType.allCases.filter(\.isComputable) == [.f16, .bf16, .f32])
    #expect(DType.allCases.filter(\.isScannable) == [.f16, .bf16, .f32, .f64])
  }
}
