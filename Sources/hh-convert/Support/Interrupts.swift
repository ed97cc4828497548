// Ctrl-C and termination: stop at the next step and leave nothing behind.

import Glibc
import HHPipeline
import Synchronization

/// The signal that asked the process to stop, 0 for none.
private let received = Atomic<Int32>(0)

/// Turns SIGINT and SIGTERM into an error at the next event of a conversion.
///
/// A second signal ends the process at once.
enum Interrupts {
  /// Starts listening; a closed pipe no longer ends the process.
  static func listen() {
    for signal in [SIGINT, SIGTERM] {
      // Safe: the handler only stores to an atomic and restores the default action, both of which
      // are allowed in a signal handler.
      _ = Glibc.signal(signal) { number in
        received.store(number, ordering: .relaxed)
        _ = Glibc.signal(number, SIG_DFL)
      }
    }
    // Safe: ignoring a signal runs no code of ours.
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
  }

  /// Throws if a signal has arrived.
  static func check() throws(PipelineError) {
    let signal = received.load(ordering: .relaxed)
    if signal != 0 { throw .interrupted(signal: signal) }
  }
}
