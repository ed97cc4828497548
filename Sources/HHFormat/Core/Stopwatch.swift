// Wall time and memory of this process.

internal import Glibc

/// Measures wall time from its creation.
package struct Stopwatch: Sendable {
  private let start = ContinuousClock.now

  /// Starts.
  package init() {}

  /// Seconds since the start.
  package var seconds: Double {
    let (seconds, attoseconds) = start.duration(to: .now).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

/// The highest resident memory of this process so far, in bytes.
package var peakMemoryBytes: Int {
  var usage = rusage()
  // Safe: `usage` is a valid destination for the duration of the call.
  guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
  return usage.ru_maxrss * 1024
}
