// Token ids cut into rows of one length.

package import HHFormat

/// Rows of token ids, [count, length].
package struct TokenRows: Sendable, Equatable {
  /// The ids of all rows, one row after the other.
  package let ids: [Int32]
  /// Tokens in a row.
  package let length: Int
  /// Number of rows.
  package var count: Int { ids.count / length }

  /// Takes ids that already are whole rows.
  package init(ids: [Int32], length: Int) {
    precondition(length > 0 && ids.count.isMultiple(of: length), "ids must fill whole rows")
    self.ids = ids
    self.length = length
  }

  /// Cuts a stream of ids from `file` into rows: consecutive stretches, each between the frame's
  /// ids, and the remainder dropped. For a decoder the frame is empty and a stretch has `length`
  /// ids; for an encoder it is `[CLS]` and `[SEP]` and a stretch has `length - 2`.
  ///
  /// Throws `badData` where the stream is shorter than one row.
  package init(
    stream: [Int32], length: Int, frame: TokenFrame, file: String
  ) throws(FormatError) {
    let body = length - frame.prefix.count - frame.suffix.count
    guard body > 0 else {
      throw FormatError(
        .badData, file: file, problem: "rows of \(length) tokens leave no room for text",
        remedy: "use a longer \(.length)")
    }
    guard stream.count >= body else {
      throw FormatError(
        .badData, file: file,
        problem: stream.isEmpty
          ? "expected text, found no tokens"
          : "too short: expected at least \(body) tokens for one row of \(length), found "
            + "\(stream.count)",
        remedy: stream.isEmpty ? nil : "give more text or a shorter \(.length)"
      )
    }
    var ids: [Int32] = []
    ids.reserveCapacity(stream.count / body * length)
    for start in stride(from: 0, through: stream.count - body, by: body) {
      ids += frame.prefix
      ids += stream[start..<start + body]
      ids += frame.suffix
    }
    self.init(ids: ids, length: length)
  }

  /// The ids of one row.
  package subscript(row: Int) -> ArraySlice<Int32> { ids[row * length..<(row + 1) * length] }

  /// The rows of the given indices, in that order.
  package func rows(_ indices: some Sequence<Int>) -> TokenRows {
    var chosen: [Int32] = []
    for row in indices { chosen += self[row] }
    return TokenRows(ids: chosen, length: length)
  }
}
