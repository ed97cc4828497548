// Which rows each distillation step sees.

internal import HHCompute

/// A fixed division of the training rows into batches, and the order in which steps visit them.
///
/// The rows of a batch lie together, so that a layer's hidden states are read and advanced in
/// place; every batch is visited once before any is visited again.
struct BatchSchedule {
  /// The rows of each batch.
  let batches: [Range<Int>]
  /// The batch of each step.
  let order: [Int]
  /// The last step that visits each batch; nil for a batch that no step visits.
  let lastVisit: [Int?]

  /// Divides `rowCount` rows, at least one, into batches of `batchSize`, the last one smaller if
  /// need be, and shuffles their order anew for every pass.
  init(rowCount: Int, batchSize: Int, steps: Int, seed: UInt64) {
    let batchCount = (rowCount + batchSize - 1) / batchSize
    batches = (0..<batchCount).map { $0 * batchSize..<min(rowCount, ($0 + 1) * batchSize) }
    var generator = SeededGenerator(seed: seed)
    var order: [Int] = []
    while order.count < steps {
      order += generator.shuffledIndices(batchCount).prefix(steps - order.count)
    }
    self.order = order
    var last: [Int?] = Array(repeating: nil, count: batchCount)
    for (step, batch) in order.enumerated() { last[batch] = step }
    lastVisit = last
  }
}
