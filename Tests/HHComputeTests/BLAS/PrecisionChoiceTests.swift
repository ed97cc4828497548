// Which precision is chosen, by what was measured.

import HHCompute
import Testing

@Suite("PrecisionChoice")
struct PrecisionChoiceTests {
  @Test("bfloat16 has to be faster by a quarter")
  func gain() {
    #expect(PrecisionChoice(gain: 1.25).precision == .bfloat16)
    #expect(PrecisionChoice(gain: 6).precision == .bfloat16)
    #expect(PrecisionChoice(gain: 1.2).precision == .float32)
    #expect(PrecisionChoice(gain: .nan).precision == .float32)
  }

  @Test("without a product, or units to time one on, nothing is measured")
  func nothing() {
    #expect(PrecisionChoice(measuring: []) == PrecisionChoice(gain: 1))
    let choice = PrecisionChoice(measuring: [.init(rows: 16, depth: 32, columns: 48)])
    #expect(choice.gain > 0)
    if ProductPrecision.missingUnits != nil { #expect(choice.precision == .float32) }
  }
}
