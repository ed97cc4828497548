// Texts of different lengths as batches for an encoder.

package import HHFormat

/// What a model can read of a text.
package struct TextLimits: Sendable, Equatable {
  /// Most tokens of a text or pair.
  let length: Int
  /// Rows of the table of token embeddings.
  let vocabularySize: Int
  /// Rows of the table of token types; 0 where the model has none.
  let tokenTypeCount: Int

  /// Takes the limits as they are.
  package init(length: Int, vocabularySize: Int, tokenTypeCount: Int) {
    (self.length, self.vocabularySize) = (length, vocabularySize)
    self.tokenTypeCount = tokenTypeCount
  }
}

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
  /// text of a pair between the separators and of type 1. Longer rows than the limit lose the end
  /// of the longer text.
  ///
  /// - Throws: `FormatError`, which names `file`, where a frame is longer than the limit, where the
  ///   model has no type for the second text of a pair, and for an id that it has no embedding for.
  package init(
    _ texts: [(first: String, second: String?)], tokenizer: any Tokenizer, limits: TextLimits,
    file: String
  ) throws(FormatError) {
    let frame = tokenizer.frame
    // Padding is masked, so another id does as well where the model does not have the tokenizer's.
    let padding = tokenizer.special.padding ?? 0
    self.padding = padding >= 0 && padding < limits.vocabularySize ? padding : 0
    var rows: [Row] = []
    for (index, text) in texts.enumerated() {
      let name = "text \(index + 1)"
      guard text.second == nil || limits.tokenTypeCount != 1 else {
        throw FormatError(
          .unsupported, file: file, place: name,
          problem: "expected a single text, as the model has a single token type, found a pair")
      }
      let suffixes = text.second == nil ? 1 : 2
      let least = frame.prefix.count + suffixes * frame.suffix.count
      guard least <= limits.length else {
        throw FormatError(
          .badData, file: file, place: name,
          problem: "expected room for the \(least) tokens that frame a "
            + "\(text.second == nil ? "text" : "pair"), found \(limits.length)",
          remedy: "use a longer \(.length), or a model with more positions")
      }
      let row = Self.row(text, tokenizer, frame, room: limits.length - least)
      try checkTokens(row.ids, vocabularySize: limits.vocabularySize, file: file, part: name)
      rows.append(row)
    }
    self.rows = rows
  }

  /// A text or pair of at most `room` tokens within its frame.
  private static func row(
    _ text: (first: String, second: String?), _ tokenizer: any Tokenizer, _ frame: TokenFrame,
    room: Int
  ) -> Row {
    var first = tokenizer.encode(text.first)
    guard let second = text.second else {
      let ids = frame.prefix + Array(first.prefix(room)) + frame.suffix
      return Row(ids: ids, types: ids.map { _ in 0 })
    }
    var other = tokenizer.encode(second)
    while first.count + other.count > room {
      if first.count > other.count { first.removeLast() } else { other.removeLast() }
    }
    let (left, right) = (frame.prefix + first + frame.suffix, other + frame.suffix)
    return Row(ids: left + right, types: left.map { _ in 0 } + right.map { _ in 1 })
  }

  private init(rows: [Row], padding: Int32) {
    (self.rows, self.padding) = (rows, padding)
  }

  /// The texts of the given indices, in that order.
  func texts(_ indices: some Sequence<Int>) -> PaddedTexts {
    PaddedTexts(rows: indices.map { rows[$0] }, padding: padding)
  }

  /// Number of texts.
  package var count: Int { rows.count }

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
  package func batches(positions: Int) -> [(indices: [Int], batch: TokenBatch)] {
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
