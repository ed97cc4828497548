// A loop over ranges, on several threads.

internal import Synchronization

/// Calls `body` with ranges that cover 0..<count exactly once, on up to `workers` threads at a time,
/// and returns when all are done.
///
/// - Parameters:
///   - count: Number of work items.
///   - grain: Most items per call; a call should take 100 µs or more.
///   - workers: Most threads; callers with scratch space per worker pass how many they made.
///   - body: Gets a range and the index of the worker, below `workers`, that no other
///     call has at the same time: the place of its scratch space. What it writes for an item must
///     not depend on the worker.
package func parallelFor(
  count: Int, grain: Int = 1, workers: Int = ThreadPolicy.threads,
  body: @Sendable (_ range: Range<Int>, _ worker: Int) -> Void
) {
  precondition(count >= 0 && grain > 0, "parallelFor: a count and a positive grain")
  let chunks = (count + grain - 1) / grain
  let workers = min(workers, chunks)
  if workers <= 1 {
    for chunk in 0..<chunks { body(chunk * grain..<min(count, (chunk + 1) * grain), 0) }
    return
  }
  let next = Atomic<Int>(0)
  WorkerPool.shared.perform(count: workers) { worker in
    while true {
      let chunk = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard chunk < chunks else { return }
      body(chunk * grain..<min(count, (chunk + 1) * grain), worker)
    }
  }
}

/// Calls `body` with ranges of the rows of a matrix that each hold about `elements` elements:
/// enough to be worth a thread.
func parallelRows(
  _ rows: Int, columns: Int, elements: Int = 1 << 15, body: @Sendable (Range<Int>) -> Void
) {
  parallelFor(count: rows, grain: max(1, elements / max(1, columns))) { range, _ in body(range) }
}
