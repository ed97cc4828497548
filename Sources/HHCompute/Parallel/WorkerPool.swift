// Threads that linger a moment after their work, for more of it, before they sleep.

internal import Dispatch
internal import Glibc
internal import HHKernels
internal import Synchronization

/// The threads that help the one that calls `parallelFor`.
///
/// Decoding a token is some fifty matrix products, with little between them: to wake a sleeping
/// thread for each takes a fifth of the time. So a worker that has finished looks for more work for
/// a moment, leaving its processor to whoever else wants it, and only then sleeps.
final class WorkerPool: Sendable {
  static let shared = WorkerPool()

  private let isTaken = Atomic<Bool>(false)
  private let workers = Mutex<[Worker]>([])

  /// Calls `body` with 0 on the calling thread, and with every index below `count` whose worker
  /// comes before that call has ended; returns when all calls have ended.
  ///
  /// While another call is under way, as for one inside `body`, only the calling thread works.
  func perform(count: Int, _ body: @Sendable (_ worker: Int) -> Void) {
    guard !isTaken.exchange(true, ordering: .acquiring) else { return body(0) }
    defer { isTaken.store(false, ordering: .releasing) }
    let helpers = workers.withLock { workers in
      // Where the system gives no more threads, those that are there do the work.
      while workers.count < count - 1, let worker = Worker() { workers.append(worker) }
      return workers.prefix(count - 1)
    }
    withoutActuallyEscaping(body) { body in
      for (index, helper) in helpers.enumerated() { helper.call { body(index + 1) } }
      body(0)
      for helper in helpers { helper.dismiss() }
    }
  }
}

/// One helping thread.
private final class Worker: Sendable {
  private enum State: UInt8, AtomicRepresentable {
    /// The thread sleeps.
    case asleep
    /// The thread looks for work.
    case waiting
    /// There is work that nobody has begun.
    case called
    /// The thread works, and holds `work`.
    case working
  }

  /// How long a thread waits for more work.
  private static let patience = Duration.microseconds(200)

  private let state = Atomic<State>(.asleep)
  private let work = Mutex<(@Sendable () -> Void)?>(nil)
  /// Wakes the thread: once for each time that it went to sleep and was called.
  private let wake = DispatchSemaphore(value: 0)

  /// Starts the thread; nil where the system gives none.
  init?() {
    guard startThread({ self.run() }) else { return nil }
  }

  /// Gives the thread work, and wakes it if it sleeps.
  func call(_ work: @escaping @Sendable () -> Void) {
    self.work.withLock { $0 = work }
    guard state.exchange(.called, ordering: .acquiringAndReleasing) == .asleep else { return }
    wake.signal()
  }

  /// Takes work back that was not begun, and waits for the end of work that was.
  func dismiss() {
    _ = exchange(.called, for: .waiting)
    work.withLock { $0 = nil }
  }

  private func run() {
    while true {
      wake.wait()
      linger()
    }
  }

  /// Works for as long as there is work, and a moment longer.
  private func linger() {
    var start = ContinuousClock.now
    while true {
      if state.load(ordering: .acquiring) == .called {
        work.withLock { work in
          // It may have been taken back while this thread waited for the lock.
          guard exchange(.called, for: .working) else { return }
          work?()
          state.store(.waiting, ordering: .releasing)
        }
        start = .now
      } else if start.duration(to: .now) > Self.patience {
        if exchange(.waiting, for: .asleep) { return }
      } else {
        sched_yield()
      }
    }
  }

  private func exchange(_ expected: State, for desired: State) -> Bool {
    state.compareExchange(
      expected: expected, desired: desired, ordering: .acquiringAndReleasing
    ).exchanged
  }
}
