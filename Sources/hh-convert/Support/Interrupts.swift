// Ctrl-C, termination, a scheduler's warning and a closed terminal: stop at the next step.

import Glibc
import HHModel
import Synchronization

/// The signal that asked the process to stop, 0 for none.
private let received = Atomic<Int32>(0)
/// Whether nothing has been written yet that a signal could leave half done.
private let isReading = Atomic<Bool>(false)
/// Whether the command keeps a run folder, so that trying again goes on.
private let keepsRun = Atomic<Bool>(false)

/// Turns SIGINT, SIGTERM, SIGHUP and SIGUSR1, which schedulers send before a job's time is up, into an
/// error at the next event of a conversion.
///
/// A second signal ends the process at once, but for SIGHUP: of a closed terminal both the system
/// and the shell tell.
enum Interrupts {
  /// Starts listening; a closed pipe or a limit on file sizes no longer ends the process: the write
  /// that meets it fails.
  ///
  /// - Parameter keepingRun: Whether the command keeps a run folder.
  static func listen(keepingRun: Bool = false) {
    keepsRun.store(keepingRun, ordering: .relaxed)
    // Who started this process with a signal ignored, as nohup does, wants it to be ignored.
    let handledSignals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1].filter { !isIgnored($0) }
    for signal in handledSignals {
      // Safe: the handler only uses atomics, restores the default action, writes, raises and exits,
      // all of which are allowed in a signal handler.
      _ = Glibc.signal(signal) { number in
        if isReading.load(ordering: .relaxed) { leave(number) }
        let isSecond = received.exchange(number, ordering: .relaxed) != 0
        guard isSecond, number != SIGHUP else { return }
        _ = Glibc.signal(number, SIG_DFL)
        raise(number)
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

  /// Whether a signal does nothing to this process.
  static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    // Safe: the call only fills the local value; both actions are pointers, which are compared but
    // not called.
    guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
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

  /// The status of a command that a signal ended.
  static func status(of signal: Int32) -> ExitStatus {
    keepsRun.load(ordering: .relaxed) ? .tryAgain : ExitStatus(signal: signal)
  }
}

/// Ends the process within a signal handler, in the words of `PipelineError.interrupted`.
private func leave(_ signal: Int32) -> Never {
  let text: StaticString =
    switch signal {
    case SIGHUP: "error: interrupted by signal 1: nothing was written\n"
    case SIGINT: "error: interrupted by signal 2: nothing was written\n"
    case SIGUSR1: "error: interrupted by signal 10: nothing was written\n"
    default: "error: interrupted by signal 15: nothing was written\n"
    }
  // Safe: the text is in the program itself, and as long as it says.
  _ = unsafe write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  _exit(Interrupts.status(of: signal).rawValue)
}
