// Independent jobs on several threads, with results in order.

internal import Dispatch
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
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
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

private struct ConcurrentResults<Result: Sendable>: Sendable {
  var results: [Result?]
  var failure: (index: Int, error: FormatError)?

  init(count: Int) { results = Array(repeating: nil, count: count) }

  mutating func fail(at index: Int, _ error: FormatError) {
    if let failure, failure.index <= index { return }
    failure = (index, error)
  }
}
