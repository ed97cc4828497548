// Checkpoints come after so many steps, and after so much time.

import HHTraining
import Testing

@Suite("CheckpointPace")
struct CheckpointPaceTests {
  /// The steps of the first 12 after which a checkpoint is due.
  private func due(_ pace: CheckpointPace) -> [Int] {
    var pace = pace
    return (1...12).filter { pace.isDue(after: $0) }
  }

  @Test("while time is left, every so many steps")
  func steps() {
    #expect(due(CheckpointPace(steps: 5)) == [5, 10])
  }

  @Test("where time has passed, after any step")
  func time() {
    #expect(due(CheckpointPace(steps: 1000, seconds: 0)) == Array(1...12))
    #expect(due(CheckpointPace(steps: 1000, seconds: 1e9)).isEmpty)
    #expect(CheckpointPace.seconds == 300)
  }
}
