// What is left of distillation, from what was done.

import Testing

@testable import HHTraining

@Suite("DistillationPace")
struct DistillationPaceTests {
  @Test("layers, passes and steps each count at their own pace")
  func parts() {
    var pace = DistillationPace()
    #expect(pace.seconds(for: .init(layers: 3, passes: 2, steps: 100)) == 0)
    pace.addLayer(seconds: 8)
    pace.addPass(seconds: 30)
    pace.addPass(seconds: 50)
    for _ in 0..<4 { pace.addStep(seconds: 0.5) }
    #expect(pace.done == .init(layers: 1, passes: 2, steps: 4))
    #expect(pace.seconds(for: .init(layers: 3)) == 24)
    #expect(pace.seconds(for: .init(passes: 2)) == 80)
    #expect(pace.seconds(for: .init(steps: 100)) == 50)
    // The teacher's pass of a first batch does not make every step as slow.
    #expect(pace.seconds(for: .init(layers: 1, passes: 1, steps: 96)) == 8 + 40 + 48)
  }

  @Test("work adds up and multiplies")
  func work() {
    let layer = DistillationPace.Work(layers: 1, passes: 6, steps: 100)
    #expect(layer * 3 + .init(passes: 2, steps: 7) == .init(layers: 3, passes: 20, steps: 307))
  }
}
