// Rows of token ids that a model is given at a time.

/// Rows of token ids of one length; padding, where there is any, is a suffix.
package struct TokenBatch: Sendable, Equatable {
  /// Ids, [rows × length].
  package let ids: [Int32]
  /// Tokens per row, padding included.
  package let length: Int
  /// Valid tokens of each row; nil where no row is padded.
  package let validLengths: [Int]?
  /// Token types, [rows × length]; nil means type 0 everywhere.
  package let tokenTypes: [Int32]?

  /// Creates a batch; `ids` holds a whole number of rows.
  package init(
    ids: [Int32], length: Int, validLengths: [Int]? = nil, tokenTypes: [Int32]? = nil
  ) {
    precondition(length > 0 && ids.count.isMultiple(of: length), "ids must fill whole rows")
    self.ids = ids
    self.length = length
    self.validLengths = validLengths
    self.tokenTypes = tokenTypes
  }

  /// Number of rows.
  package var rowCount: Int { ids.count / length }

  /// The rows of a range.
  package func rows(_ range: Range<Int>) -> TokenBatch {
    let tokens = range.lowerBound * length..<range.upperBound * length
    return TokenBatch(
      ids: Array(ids[tokens]), length: length, validLengths: validLengths.map { Array($0[range]) },
      tokenTypes: tokenTypes.map { Array($0[tokens]) })
  }
}
