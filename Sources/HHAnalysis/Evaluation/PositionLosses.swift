// The losses of a language model by the number of tokens that it has seen.

/// −log p of every next token, summed for each number of tokens before it.
struct PositionLosses {
  /// Predictions in all.
  var count = 0
  private var sum = 0.0
  /// Of all rows, by the position that predicts.
  private var sums: [Double]

  init(rowLength: Int) { sums = [Double](repeating: 0, count: rowLength) }

  /// Adds the losses of consecutive positions, the first of which is `start` of some whole rows.
  mutating func add(_ losses: [Double], from start: Int) {
    sum += losses.reduce(0, +)
    for (index, loss) in losses.enumerated() { sums[(start + index) % sums.count] += loss }
  }

  /// The mean over all.
  var mean: Double { sum / Double(count) }

  /// Numbers of tokens before a prediction, by powers of two; the last may have fewer.
  var buckets: [ClosedRange<Int>] {
    var buckets: [ClosedRange<Int>] = []
    var first = 1
    while first < sums.count {
      buckets.append(first...min(2 * first - 1, sums.count - 1))
      first *= 2
    }
    return buckets
  }

  /// The mean over the predictions that come after so many tokens.
  func mean(of bucket: ClosedRange<Int>) -> Double {
    let rowCount = Double(count) / Double(sums.count - 1)
    return bucket.reduce(0) { $0 + sums[$1 - 1] } / (rowCount * Double(bucket.count))
  }
}

/// A bucket as people read it.
func words(of bucket: ClosedRange<Int>) -> String {
  bucket.count > 1 ? "\(bucket.lowerBound)-\(bucket.upperBound)" : "\(bucket.lowerBound)"
}
