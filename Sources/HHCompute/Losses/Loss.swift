// Losses over the rows of predictions, with their gradients in place.

internal import HHKernels

/// What predictions are compared with, row by row. Rows with a negative label do not count.
package enum Loss: Sendable {
  /// −log softmax(x)[label] of the rows' labels.
  case crossEntropy(labels: [Int32])
  /// T² KL(softmax(target / T) ‖ softmax(x / T)) against a teacher's logits (arXiv 1503.02531).
  case teacherDivergence(Matrix, temperature: Float, labels: [Int32])
  /// Σ (x − target)² of a row.
  case squaredError(Matrix, labels: [Int32])

  /// Labels of the rows.
  package var labels: [Int32] {
    switch self {
    case .crossEntropy(let labels): labels
    case .teacherDivergence(_, _, let labels): labels
    case .squaredError(_, let labels): labels
    }
  }

  /// Rows that count.
  package var rowCount: Int { labels.reduce(0) { $1 < 0 ? $0 : $0 + 1 } }

  /// Compares predictions with the targets.
  ///
  /// - Parameters:
  ///   - x: Predictions (rows, columns). With a weight they are replaced by the gradient.
  ///   - rows: The rows of the targets that `x` holds; nil means all.
  ///   - weight: Factor of the gradient: one over the rows of the batch, usually. Nil asks for the
  ///     loss alone.
  ///   - scratch: Memory.
  /// - Returns: The sum over rows of their losses, added up in double precision.
  package func evaluate(
    _ x: Matrix, rows: Range<Int>? = nil, weight: Float?, scratch: ScratchSpace
  ) -> Double {
    var sum = 0.0
    let values = losses(x, rows: rows, weight: weight, scratch: scratch).span
    for row in 0..<x.rows { sum += Double(values[row]) }
    return sum
  }

  /// The loss of every row of `x`, the predictions for all rows of the targets; 0 where it does not
  /// count.
  package func ofRows(_ x: Matrix, scratch: ScratchSpace) -> [Double] {
    let values = losses(x, rows: nil, weight: nil, scratch: scratch).span
    return (0..<x.rows).map { Double(values[$0]) }
  }

  private func losses(
    _ x: Matrix, rows: Range<Int>?, weight: Float?, scratch: ScratchSpace
  ) -> FloatBuffer {
    let labels = self.labels
    let rows = rows ?? 0..<labels.count
    precondition(
      x.rows == rows.count && 0 <= rows.lowerBound && rows.upperBound <= labels.count,
      "Loss: one label per row")
    let losses = scratch.buffer(count: x.rows)
    let kind: RowLoss
    let target: Matrix
    switch self {
    case .crossEntropy: (kind, target) = (.crossEntropy, x.columns(0..<0))
    case .teacherDivergence(let logits, let temperature, _):
      (kind, target) = (.teacherDivergence(temperature: temperature), logits.rows(rows))
    case .squaredError(let values, _): (kind, target) = (.squaredError, values.rows(rows))
    }
    parallelRows(x.rows, columns: x.columns, elements: 1 << 14) { range in
      let x = x.rows(range)
      let target = target.rows(range)
      var span = x.mutableSpan
      var result = losses.mutableSpan(range)
      let part = labels.span.extracting(
        rows.lowerBound + range.lowerBound..<rows.lowerBound + range.upperBound)
      rowLoss(
        kind, &span, x.layout, LossTarget(target.span, target.layout, labels: part),
        weight: weight ?? 0, gradient: weight != nil, into: &result)
    }
    return losses
  }
}
