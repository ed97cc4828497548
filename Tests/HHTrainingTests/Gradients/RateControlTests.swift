// Learning rates over a run, as the steps and the held-out loss make them.

import HHCompute
import HHFormat
import Testing

@testable import HHTraining

@Suite("RateControl")
struct RateControlTests {
  private func control(
    _ schedule: TrainingSettings.Schedule, warmUpSteps: Int = 2,
    plateau: PlateauSettings? = nil, earlyStop: EarlyStopSettings? = nil
  ) -> RateControl {
    RateControl(
      peak: 1, schedule: schedule, warmUpSteps: warmUpSteps, steps: 10, plateau: plateau,
      earlyStop: earlyStop)
  }

  @Test(
    "after its warm-up the rate goes as the schedule says",
    arguments: [
      (.constant, [0.5, 1, 1, 1]), (.linear, [0.5, 1, 1, 0.5]), (.cosine, [0.5, 1, 1, 0.5]),
      (.plateau, [0.5, 1, 1, 1]),
    ] as [(TrainingSettings.Schedule, [Double])])
  func shapes(_ schedule: TrainingSettings.Schedule, expected: [Double]) {
    let control = control(schedule)
    for (step, rate) in zip([0, 1, 2, 6], expected) {
      #expect(abs(control.rate(step: step) - rate) < 1e-12)
    }
    #expect(!control.keepsBest && !control.isExhausted)
  }

  @Test("a plateau lowers the rate down to its minimum, and only at its own measurements")
  func plateau() {
    var settings = PlateauSettings()
    (settings.factor, settings.patience, settings.minimum, settings.interval) = (0.1, 0, 0.05, 2)
    var control = control(.plateau, warmUpSteps: 0, plateau: settings)
    #expect(control.isMeasured(after: 2) && !control.isMeasured(after: 3))
    _ = control.observe(1, after: 0)
    _ = control.observe(2, after: 1)
    #expect(control.rate(step: 2) == 1)
    _ = control.observe(2, after: 2)
    #expect(control.rate(step: 2) == 0.1)
    _ = control.observe(.nan, after: 4)
    #expect(control.rate(step: 4) == 0.05)
    #expect(!control.isExhausted)
  }

  @Test("a run ends after as many measurements without a new best as its patience")
  func earlyStop() {
    var settings = EarlyStopSettings()
    (settings.patience, settings.interval) = (2, 3)
    var control = control(.constant, earlyStop: settings)
    #expect(control.keepsBest && control.isMeasured(after: 3) && !control.isMeasured(after: 4))
    let isBest = [(1.0, 0), (0.5, 3), (0.6, 6), (0.4, 9), (0.4, 12)].map {
      control.observe($0.0, after: $0.1)
    }
    #expect(isBest == [true, true, false, true, false])
    #expect(!control.isExhausted && control.best == 0.4)
    _ = control.observe(.nan, after: 15)
    #expect(control.isExhausted)
  }

  @Test("a restored state goes on as the one that it was taken from")
  func state() throws {
    var first = control(.plateau, plateau: .init(), earlyStop: .init())
    for (index, loss) in [0.1 + 0.2, 0.7, .nan, 1e-300].enumerated() {
      var second = control(.plateau, plateau: .init(), earlyStop: .init())
      let text = JSONValue.object(first.state).text
      second.state = try #require(try JSONValue(parsing: Array(text.utf8)).object)
      #expect(second == first)
      _ = first.observe(loss, after: 100 * index)
    }
  }
}
