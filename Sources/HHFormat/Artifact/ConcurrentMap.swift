// Independent jobs on several threads, with results in order.

internal import Dispatch
internal import HHKernels
internal import Synchronization

/// Runs `body` for every index below `count` on at most `threads` threads and returns the results
/// in order, whatever the timing.
///
/// Each thread makes one `Worker` (a compression context, say) and keeps it for all its jobs. The
/// error of the lowest failing index is thrown; jobs that nobody started yet are then skipped.
package func concurrentMap<Worker, Result: Sendable>(
  count: Int, threads: Int,
  worker makeWorker: @Sendable () throws(FormatError) -> Worker,
  _ body: @Sendable (inout Worker, Int) throws(FormatError) -> Result
) throws(FormatError) -> [Result] {
  let next = Atomic(0)
  let finished = Mutex(ConcurrentResults<Result>(count: count))
  onThreads(min(threads, count)) { _ in
    do throws(FormatError) {
      var worker = try makeWorker()
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        do throws(FormatError) {
          let result = try body(&worker, index)
          finished.withLock { $0.results[index] = result }
        } catch {
          finished.withLock { $0.fail(at: index, error) }
          next.store(count, ordering: .relaxed)
        }
      }
    } catch {
      finished.withLock { $0.fail(at: count, error) }
      next.store(count, ordering: .relaxed)
    }
  }
  let outcome = finished.withLock { $0 }
  if let failure = outcome.failure { throw failure.error }
  return outcome.results.compactMap(\.self)
}

/// Runs `body` for every index below `count` on at most `threads` threads and gives the results to
/// `consume` in order.
///
/// `consume` runs on any of the threads, but on one at a time; at most `ahead` results (and one for
/// each thread) wait for it. Each thread makes one `Worker`, from its number. The first error that is
/// seen is thrown, and nothing is consumed after it.
///
/// `beside` does a part of some other work and tells whether there was any. The first thread, whose
/// number is 0, calls it before each job, with that job's index or one below, until it answers false;
/// every thread does with nil once no job is left.
func concurrentForEach<Worker, Result: Sendable>(
  count: Int, threads: Int, ahead: Int,
  worker makeWorker: @Sendable (_ thread: Int) throws(FormatError) -> Worker,
  beside: @Sendable (inout Worker, _ job: Int?) throws(FormatError) -> Bool = { _, _ in false },
  _ body: @Sendable (inout Worker, Int) throws(FormatError) -> Result,
  consume: @Sendable (Result) throws(FormatError) -> Void
) throws(FormatError) {
  let next = Atomic(0)
  let queue = Mutex(OrderedResults<Result>())
  // Taken for each job that begins, given back for each result that is consumed.
  // It starts at zero, since one that ends below its start is an error to libdispatch.
  let room = DispatchSemaphore(value: 0)
  for _ in 0..<max(1, ahead) { room.signal() }
  let threads = max(1, threads)
  @Sendable func stop(_ error: FormatError) {
    queue.withLock { $0.error = $0.error ?? error }
    for _ in 0..<threads { room.signal() }
  }
  @Sendable func hasFailed() -> Bool { queue.withLock { $0.error != nil } }
  onThreads(threads) { thread in
    do throws(FormatError) {
      var worker = try makeWorker(thread)
      while true {
        if thread == 0 {
          while true {
            let job = next.load(ordering: .relaxed)
            guard job < count, !hasFailed(), try beside(&worker, job) else { break }
          }
        }
        room.wait()
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < count, !hasFailed() else {
          // The others need not wait for room that nobody will use.
          room.signal()
          break
        }
        let result = try body(&worker, index)
        guard queue.withLock({ $0.add(result, at: index) }) else { continue }
        while let result = queue.withLock({ $0.take() }) {
          try consume(result)
          room.signal()
        }
      }
      while !hasFailed(), try beside(&worker, nil) {}
    } catch {
      stop(error)
    }
  }
  if let error = queue.withLock({ $0.error }) { throw error }
}

/// Results that wait for those before them.
private struct OrderedResults<Result: Sendable>: Sendable {
  var error: FormatError?
  private var waiting: [Int: Result] = [:]
  private var next = 0
  private var isTaken = false

  init() {}

  /// Adds a result; true where the caller is now the one to take results.
  mutating func add(_ result: Result, at index: Int) -> Bool {
    waiting[index] = result
    guard !isTaken, index == next, error == nil else { return false }
    isTaken = true
    return true
  }

  /// The next result; nil where it is not there yet, and then somebody else may take it.
  mutating func take() -> Result? {
    guard error == nil, let result = waiting.removeValue(forKey: next) else {
      isTaken = false
      return nil
    }
    next += 1
    return result
  }
}

private struct ConcurrentResults<Result: Sendable>: Sendable {
  var results: [Result?]
  var failure: (index: Int, error: FormatError)?

  init(count: Int) { results = Array(repeating: nil, count: count) }

  mutating func fail(at index: Int, _ error: FormatError) {
    if let failure, failure.index <= index { return }
    failure = (index, error)
  }
}
