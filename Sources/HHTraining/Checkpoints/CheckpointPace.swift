// When a stage of training writes a checkpoint.

internal import HHFormat

/// How much work a run may lose: so many steps, or so much time where steps are slow.
package struct CheckpointPace {
  /// Most seconds between two checkpoints, but for the length of one step.
  package static let seconds = 300.0

  private let steps: Int
  private let seconds: Double
  private var sinceLast = Stopwatch()

  /// Begins to count.
  package init(steps: Int, seconds: Double = Self.seconds) {
    (self.steps, self.seconds) = (steps, seconds)
  }

  /// Whether a checkpoint is due after a step; if so the time counts from now on.
  package mutating func isDue(after step: Int) -> Bool {
    guard step.isMultiple(of: steps) || sinceLast.seconds >= seconds else { return false }
    sinceLast = Stopwatch()
    return true
  }
}
