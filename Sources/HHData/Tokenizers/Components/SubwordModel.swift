// Models that turn a piece of text into entries of a vocabulary.

/// A model of tokenizer.json: BPE, WordPiece, WordLevel or Unigram.
protocol SubwordModel: Sendable {
  /// Appends the ids of `text[range]`. `merger` is room to work in.
  func append(
    _ text: [UInt8], _ range: Range<Int>, _ merger: inout PairMerger, to ids: inout [Int32])
}

/// A vocabulary of whole words.
struct WordLevel: SubwordModel {
  /// The id of each word.
  let words: [[UInt8]: Int32]
  /// The id of every other word.
  let unknown: Int32

  func append(
    _ text: [UInt8], _ range: Range<Int>, _ merger: inout PairMerger, to ids: inout [Int32]
  ) {
    ids.append(words[Array(text[range])] ?? unknown)
  }
}

/// The token that each byte has in vocabularies that fall back to bytes.
struct ByteFallback: Sendable {
  private let ids: [Int32]

  /// Takes the ids of the entries `<0x00>` to `<0xFF>`; without all of them there are none.
  init(_ ids: [UInt8: Int32]) {
    self.ids = ids.count == 256 ? (0...UInt8.max).compactMap { ids[$0] } : []
  }

  /// Whether there are such tokens.
  var isEmpty: Bool { ids.isEmpty }

  /// The token of a byte.
  subscript(byte: UInt8) -> Int32 { ids[Int(byte)] }
}
