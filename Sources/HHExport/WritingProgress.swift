// Reports of what is written, from inside a writer whose errors are of one type.

internal import HHFormat
internal import HHTraining

/// Counts the bytes of an output.
struct WritingProgress {
  /// What ended the writing from outside; the writer's own error then says nothing.
  private(set) var stop: (any Error)?
  private var done = 0
  private let total: Int
  private let output: String

  /// Counts up to `total` bytes of `output`.
  init(of total: Int, to output: String) { (self.total, self.output) = (total, output) }

  /// Counts further bytes and reports them.
  ///
  /// - Throws: `io`, where `stop` has the reason.
  mutating func advance(by count: Int, _ report: ProgressReport) throws(FormatError) {
    done += count
    do {
      try report(.written(bytes: done, of: total))
    } catch {
      stop = error
      throw FormatError(.io, file: output, problem: "stopped")
    }
  }
}
