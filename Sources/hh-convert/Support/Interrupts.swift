// Ctrl-C, termination and a closed terminal: stop at the next step and leave nothing behind.

import Glibc
import HHModel
import Synchronization

/// The signal that asked the process to stop, 0 for none.
private let received = Atomic<Int32>(0)

/// Turns SIGINT, SIGTERM and SIGHUP into an error at the next event of a conversion.
///
/// A second signal ends the process at once, but for SIGHUP: of a closed terminal both the system
/// and the shell tell.
enum Interrupts {
  /// Starts listening; a closed pipe or a limit on file sizes no longer ends the process: the write
  /// that meets it fails.
  static func listen() {
    // Safe: ignoring a signal runs no code of ours; both actions are pointers, which are compared
    // but not called.
    let hangUp = unsafe unsafeBitCast(Glibc.signal(SIGHUP, SIG_IGN), to: Int.self)
    let isIgnored = unsafe hangUp == unsafeBitCast(SIG_IGN, to: Int.self)
    // Whoever had SIGHUP ignored, as nohup does, wants the process to outlive the terminal.
    let heeded = isIgnored ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
    for signal in heeded {
      // Safe: the handler only stores to an atomic and restores the default action, both of which
      // are allowed in a signal handler.
      _ = Glibc.signal(signal) { number in
        received.store(number, ordering: .relaxed)
        if number != SIGHUP { _ = Glibc.signal(number, SIG_DFL) }
      }
    }
    // Whoever started this process may have blocked them for itself.
    var signals = sigset_t()
    // Safe: the calls only read and write the local set.
    unsafe sigemptyset(&signals)
    for signal in heeded { unsafe sigaddset(&signals, signal) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    // Safe: ignoring a signal runs no code of ours.
    for signal in [SIGPIPE, SIGXFSZ] { _ = Glibc.signal(signal, SIG_IGN) }
  }

  /// The signal that has arrived, 0 for none.
  static var signal: Int32 { received.load(ordering: .relaxed) }

  /// Throws if a signal has arrived.
  static func check() throws(PipelineError) {
    if signal != 0 { throw .interrupted(signal: signal) }
  }
}
