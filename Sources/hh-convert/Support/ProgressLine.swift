// How far long work is, on standard error.

import HHFormat

/// A line about work that goes on: at a terminal it is written over, elsewhere there is another one
/// every ten seconds.
final class ProgressLine {
  /// Whether a terminal shows the line.
  private let isLive: Bool
  private var hasLiveLine = false
  private var sinceLine = Stopwatch()
  private let sinceStart = Stopwatch()

  init(isLive: Bool = Terminal.isLive) { self.isLive = isLive }

  /// Says how far the work is.
  func show(_ text: String) {
    if isLive {
      Terminal.showLiveLine(text)
      hasLiveLine = true
    } else if sinceLine.seconds >= 10 {
      line(text)
    }
  }

  /// Says which share of the work is done, from 0 to 1.
  func show(_ name: String, share: Double) {
    show(Self.text(name, share: share, seconds: sinceStart.seconds))
  }

  /// Writes a line that stays.
  func line(_ text: String) {
    clear()
    Terminal.writeError(inline(text) + "\n")
    sinceLine = Stopwatch()
  }

  /// Removes the live line, so that other text starts on a clean one.
  func clear() {
    if hasLiveLine { Terminal.clearLiveLine() }
    hasLiveLine = false
  }

  /// A bar, the share that is done after some seconds, and how long the rest takes at this pace.
  static func text(_ name: String, share: Double, seconds: Double) -> String {
    let share = min(max(share, 0), 1)
    let filled = Int(20 * share)
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 20 - filled)
    let left = share > 0 ? "  \(Format.duration(seconds * (1 - share) / share)) left" : ""
    return "\(name)  [\(bar)]  \(Int(100 * share)) %\(left)"
  }
}

extension ProgressLine {
  /// Runs work that tells which share of it is done, shows that, and hears signals.
  static func following<Result>(
    _ name: String, isQuiet: Bool = false, _ work: ((Double) throws -> Void) throws -> Result
  ) throws -> Result {
    let line = ProgressLine()
    defer { line.clear() }
    return try work { share in
      try Interrupts.check()
      if !isQuiet { line.show(name, share: share) }
    }
  }
}
