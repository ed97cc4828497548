// The product of two small matrices that an adapter adds to a weight.

/// factor · left · right, added to a matrix of as many rows as `left` and columns as `right`.
struct LowRankUpdate: Sendable {
  let rows: Int
  let columns: Int
  private let rank: Int
  /// (rows, rank), the factor in it.
  private let left: [Float]
  /// (rank, columns).
  private let right: [Float]

  /// Takes A (rank, inputs) and B (outputs, rank), row-major: BA for a weight [outputs, inputs], or
  /// its transpose for one that is stored [inputs, outputs].
  init(
    a: [Float], b: [Float], rank: Int, factor: Float, isTransposed: Bool
  ) {
    let (inputs, outputs) = (a.count / rank, b.count / rank)
    self.rank = rank
    (rows, columns) = isTransposed ? (inputs, outputs) : (outputs, inputs)
    let (first, second) =
      isTransposed
      ? (Self.transposed(a, columns: inputs), Self.transposed(b, columns: rank)) : (b, a)
    left = first.map { factor * $0 }
    right = second
  }

  private static func transposed(_ matrix: [Float], columns: Int) -> [Float] {
    let rows = matrix.count / columns
    return (0..<columns).flatMap { column in
      (0..<rows).map { matrix[$0 * columns + column] }
    }
  }

  /// Adds the elements from the `start`-th on, counted row by row, to `values`.
  func add(from start: Int, to values: inout MutableSpan<Float>) {
    var index = 0
    while index < values.count {
      let (row, first) = (start + index).quotientAndRemainder(dividingBy: columns)
      let count = min(columns - first, values.count - index)
      for step in 0..<rank {
        let weight = left[row * rank + step]
        for column in 0..<count {
          values[index + column] += weight * right[step * columns + first + column]
        }
      }
      index += count
    }
  }
}
