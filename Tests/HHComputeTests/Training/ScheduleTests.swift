// Learning rates step by step.

import HHCompute
import Testing

@Suite struct ScheduleTests {
  @Test("Rates follow their formula")
  func rates() {
    let linear = Schedule(peak: 2, decay: .linear, steps: 4)
    #expect((0...5).map(linear.rate(step:)) == [2, 1.5, 1, 0.5, 0, 0])
    let constant = Schedule(peak: 2, decay: .constant, warmUpSteps: 2, steps: 4)
    #expect((0...5).map(constant.rate(step:)) == [1, 2, 2, 2, 2, 2])
    let cosine = Schedule(peak: 2, decay: .cosine, warmUpSteps: 1, steps: 5)
    let expected = [2, 2, 1 + 0.5.squareRoot(), 1, 1 - 0.5.squareRoot(), 0]
    for (step, rate) in expected.enumerated() {
      #expect(abs(cosine.rate(step: step) - rate) < 1e-12)
    }
  }
}
