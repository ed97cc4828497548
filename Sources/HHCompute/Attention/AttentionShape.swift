// The sizes of an attention operation.

/// Sizes and mask of an attention over a batch of sequences of one padded length.
///
/// Queries are [batch · length, queryHeads · headSize]; keys and values are
/// [batch · length, keyValueHeads · headSize]. Query head h uses key/value head
/// h / (queryHeads / keyValueHeads).
package struct AttentionShape: Sendable, Equatable {
  /// Number of sequences.
  package var batch: Int
  /// Positions of a sequence, padding included.
  package var length: Int
  /// Number of query heads.
  package var queryHeads: Int
  /// Number of key/value heads; it divides `queryHeads`.
  package var keyValueHeads: Int
  /// Elements of a head.
  package var headSize: Int
  /// Whether a query sees only keys up to its own position.
  package var causal: Bool
  /// Valid positions of each sequence; what follows them is padding. Nil when there is none.
  package var keyLengths: [Int]?

  /// Creates a shape; sizes that contradict each other are a programmer error.
  package init(
    batch: Int, length: Int, queryHeads: Int, keyValueHeads: Int, headSize: Int, causal: Bool,
    keyLengths: [Int]? = nil
  ) {
    precondition(batch >= 0 && length > 0 && headSize > 0, "AttentionShape: sizes")
    precondition(
      keyValueHeads > 0 && queryHeads.isMultiple(of: keyValueHeads) && queryHeads > 0,
      "AttentionShape: the key/value heads divide the query heads")
    if let keyLengths {
      precondition(
        keyLengths.count == batch && keyLengths.allSatisfy { (0...length).contains($0) },
        "AttentionShape: one valid length per sequence")
    }
    self.batch = batch
    self.length = length
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.causal = causal
    self.keyLengths = keyLengths
  }

  /// Valid positions of sequence `row`.
  package func keyLength(_ row: Int) -> Int { keyLengths?[row] ?? length }

  /// Valid positions of all sequences.
  package var validPositions: Int { keyLengths?.reduce(0, +) ?? batch * length }

  /// Queries of a sample in all sequences, padding left out.
  func queryCount(_ sample: QuerySample) -> Int {
    (0..<batch).reduce(0) { $0 + sample.count(length: keyLength($1)) }
  }

  func check(queries: Matrix) {
    precondition(
      queries.rows == batch * length && queries.columns == queryHeads * headSize,
      "attention: queries or output do not have the shape's size")
  }

  func check(keys: Matrix) {
    precondition(
      keys.rows == batch * length && keys.columns == keyValueHeads * headSize,
      "attention: keys or values do not have the shape's size")
  }

  /// The rows of sequence `row` and the columns of `count` heads from `head`.
  func part(_ matrix: Matrix, row: Int, head: Int, count: Int) -> Matrix {
    matrix.rows(row * length..<(row + 1) * length)
      .columns(head * headSize..<(head + count) * headSize)
  }
}
