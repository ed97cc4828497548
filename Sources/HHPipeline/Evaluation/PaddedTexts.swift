// Texts of different lengths as batches for an encoder.

internal import HHFormat

/// Texts as token ids, and batches of them in which little is padding.
package struct PaddedTexts: Sendable, Equatable {
  /// Ids and token types of one text or pair.
  private struct Row: Sendable, Equatable {
    var ids: [Int32]
    var types: [Int32]
  }

  private let rows: [Row]
  private let padding: Int32

  /// Encodes texts as the tokenizer's model expects them: the frame's ids around each text, a second
  /// text of a pair between the separators and of type 1. Longer rows than `maximumLength` lose
  /// the end of the longer text.
  init(_ texts: [(first: String, second: String?)], tokenizer: any Tokenizer, maximumLength: Int) {
    let frame = tokenizer.frame
    padding = tokenizer.special.padding ?? 0
    rows = texts.map { first, second in
      var first = tokenizer.encode(first)
      guard let second else {
        first = Array(first.prefix(maximumLength - frame.prefix.count - frame.suffix.count))
        let ids = frame.prefix + first + frame.suffix
        return Row(ids: ids, types: ids.map { _ in 0 })
      }
      var other = tokenizer.encode(second)
      let room = maximumLength - frame.prefix.count - 2 * frame.suffix.count
      while first.count + other.count > max(0, room) {
        if first.count > other.count { first.removeLast() } else { other.removeLast() }
      }
      let (left, right) = (frame.prefix + first + frame.suffix, other + frame.suffix)
      return Row(ids: left + right, types: left.map { _ in 0 } + right.map { _ in 1 })
    }
  }

  private init(rows: [Row], padding: Int32) {
    (self.rows, self.padding) = (rows, padding)
  }

  /// The texts of the given indices, in that order.
  func texts(_ indices: some Sequence<Int>) -> PaddedTexts {
    PaddedTexts(rows: indices.map { rows[$0] }, padding: padding)
  }

  /// Number of texts.
  var count: Int { rows.count }

  /// A batch of the texts of the given indices.
  func batch(_ indices: some Collection<Int>) -> TokenBatch {
    let length = max(1, indices.reduce(0) { max($0, rows[$1].ids.count) })
    var (ids, types): ([Int32], [Int32]) = ([], [])
    for row in indices.map({ rows[$0] }) {
      let missing = length - row.ids.count
      ids += row.ids + repeatElement(padding, count: missing)
      types += row.types + repeatElement(0, count: missing)
    }
    return TokenBatch(
      ids: ids, length: length, validLengths: indices.map { rows[$0].ids.count },
      tokenTypes: types.contains(1) ? types : nil)
  }

  /// All texts in batches of about `positions` positions, rows of like length together.
  func batches(positions: Int) -> [(indices: [Int], batch: TokenBatch)] {
    let order = rows.indices.sorted { rows[$0].ids.count < rows[$1].ids.count }
    var result: [(indices: [Int], batch: TokenBatch)] = []
    var current: [Int] = []
    for index in order {
      if !current.isEmpty, (current.count + 1) * rows[index].ids.count > positions {
        result.append((current, batch(current)))
        current = []
      }
      current.append(index)
    }
    if !current.isEmpty { result.append((current, batch(current))) }
    return result
  }
}
