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

  @Test("only floats of 16 bits and more are computed with, and none of 64 bits is stored")
  func computable() {
    #expect(DType.allCases.filter { $0.isComputable } == [.f16, .bf16, .f32, .f64])
    #expect(DType.allCases.filter { $0.isStorable } == [.f16, .bf16, .f32])
  }
}
