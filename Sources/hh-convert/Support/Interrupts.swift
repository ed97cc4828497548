// Ctrl-C, termination and a closed terminal: stop at the next step and leave nothing behind.

import Glibc
import HHModel
import Synchronization

/// The signal that asked the process to stop, 0 for none.
private let received = Atomic<Int32>(0)
/// Whether nothing has been written yet that a signal could leave half done.
private let isReading = Atomic<Bool>(false)

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
    let handledSignals = isIgnored ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
    for signal in handledSignals {
      // Safe: the handler only uses atomics, restores the default action, writes and exits, all of
      // which are allowed in a signal handler.
      _ = Glibc.signal(signal) { number in
        if isReading.load(ordering: .relaxed) { leave(number) }
        received.store(number, ordering: .relaxed)
        if number != SIGHUP { _ = Glibc.signal(number, SIG_DFL) }
      }
    }
    // Whoever started this process may have blocked them for itself.
    var signals = sigset_t()
    // Safe: the calls only read and write the local set.
    unsafe sigemptyset(&signals)
    for signal in handledSignals { unsafe sigaddset(&signals, signal) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    // Safe: ignoring a signal runs no code of ours.
    for signal in [SIGPIPE, SIGXFSZ] { _ = Glibc.signal(signal, SIG_IGN) }
  }

  /// Runs what only reads, such as a large file of text. A signal meanwhile ends the process at
  /// once: there is nothing to put in order, and a long step need not ask for signals.
  static func reading<Result>(_ body: () throws -> Result) throws -> Result {
    isReading.store(true, ordering: .relaxed)
    defer { isReading.store(false, ordering: .relaxed) }
    try check()
    return try body()
  }

  /// The signal that has arrived, 0 for none.
  static var signal: Int32 { received.load(ordering: .relaxed) }

  /// Throws if a signal has arrived.
  static func check() throws(PipelineError) {
    if signal != 0 { throw .interrupted(signal: signal) }
  }
}

/// Ends the process within a signal handler, in the words of `PipelineError.interrupted`.
private func leave(_ signal: Int32) -> Never {
  let text: StaticString =
    switch signal {
    case SIGHUP: "error: interrupted by signal 1: nothing was written\n"
    case SIGINT: "error: interrupted by signal 2: nothing was written\n"
    default: "error: interrupted by signal 15: nothing was written\n"
    }
  // Safe: the text is in the program itself, and as long as it says.
  _ = unsafe write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  _exit(ExitStatus(signal: signal).rawValue)
}
