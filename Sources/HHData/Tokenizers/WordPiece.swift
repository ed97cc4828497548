// WordPiece: BERT's words, each split greedily into the longest vocabulary entries.

/// A BERT tokenizer.
package struct WordPiece: Tokenizer {
  package let vocabularySize: Int
  package var special: SpecialTokens
  package let frame: TokenFrame

  package let vocabulary: Vocabulary
  private let model: WordPieceModel
  package let normalization: BertNormalization
  package let options: Options
  package let added: AddedTokens

  /// What differs between WordPiece tokenizers.
  package struct Options: Sendable, Equatable {
    /// What marks an entry that continues a word.
    package var continuationPrefix = "##"
    /// A word of more characters becomes the unknown token.
    package var maximumWordLength = 100

    /// The options of BERT.
    package init() {}
  }

  /// Creates a tokenizer; `unknown` is the id for words that the vocabulary cannot spell.
  package init(
    vocabulary: Vocabulary, unknown: Int32, normalization: BertNormalization, options: Options,
    added: [AddedToken], special: SpecialTokens, frame: TokenFrame
  ) {
    self.vocabulary = vocabulary
    model = WordPieceModel(vocabulary, unknown: unknown, options: options)
    self.normalization = normalization
    self.options = options
    self.special = special
    self.frame = frame
    self.added = AddedTokens(added) { normalization($0) }
    vocabularySize = max(vocabulary.size, 1 + Int(added.map(\.id).max() ?? -1))
  }

  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    added.split(
      Array(text.utf8), normalize: { bytes, _ in normalization(bytes) },
      onToken: { ids.append($0) },
      onText: { bytes, range, _ in
        BertNormalization.forEachWord(of: bytes, in: range) {
          model.append(bytes, $0, to: &ids)
        }
      })
    return ids
  }

  /// The basic tokens of a text, before they are split into pieces.
  package func words(of text: String) -> [String] {
    let bytes = normalization(Array(text.utf8))
    var words: [String] = []
    BertNormalization.forEachWord(of: bytes, in: bytes.indices) {
      words.append(String(decoding: bytes[$0], as: UTF8.self))
    }
    return words
  }

  package func decode(_ ids: [Int32]) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if let token = added.entries[id], token.isSpecial { continue }
      guard let text = added.entries[id]?.content ?? vocabulary.text(of: id) else { continue }
      if text.utf8.starts(with: options.continuationPrefix.utf8) {
        bytes += text.utf8.dropFirst(options.continuationPrefix.utf8.count)
      } else {
        if !bytes.isEmpty { bytes.append(0x20) }
        bytes += text.utf8
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
