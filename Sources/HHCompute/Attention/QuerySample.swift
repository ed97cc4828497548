// Some of the queries of a sequence.

/// Evenly spaced queries: those at first, first + step, first + 2 · step and so on.
package struct QuerySample: Sendable, Equatable {
  /// Position of the first query.
  package let first: Int
  /// Positions from one query to the next, at least 1.
  package let step: Int

  /// Every query.
  package static let all = QuerySample(first: 0, step: 1)

  /// Creates a sample.
  package init(first: Int, step: Int) {
    precondition(first >= 0 && step >= 1, "QuerySample: positions")
    self.first = first
    self.step = step
  }

  /// How many of the first `length` queries are in the sample.
  package func count(length: Int) -> Int {
    first < length ? (length - first - 1) / step + 1 : 0
  }
}
