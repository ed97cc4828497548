// A tokenizer put together from the components that tokenizer.json lists.

/// Normalisers, pre-tokenizers, a model and decoders, one after the other.
package struct ComponentTokenizer: Tokenizer {
  package let vocabularySize: Int
  package var special: SpecialTokens
  package let frame: TokenFrame

  private let vocabulary: Vocabulary
  private let parts: Parts
  package let added: AddedTokens

  /// What text goes through.
  struct Parts: Sendable {
    var normalizers: [NormalizerStep] = []
    var preTokenizers: [PreTokenizerStep] = []
    let model: any SubwordModel
    /// Nil where tokens are joined with spaces.
    var decoders: [DecoderStep]?
  }

  /// Puts a tokenizer together.
  init(
    vocabulary: Vocabulary, parts: Parts, added: [AddedToken], special: SpecialTokens,
    frame: TokenFrame
  ) {
    self.vocabulary = vocabulary
    self.parts = parts
    self.special = special
    self.frame = frame
    self.added = AddedTokens(added) { Self.normalized($0, parts) }
    vocabularySize = max(vocabulary.size, 1 + Int(added.map(\.id).max() ?? -1))
  }

  private static func normalized(_ text: [UInt8], _ parts: Parts) -> [UInt8] {
    parts.normalizers.reduce(text) { text, step in step(text) }
  }

  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    var merger = PairMerger()
    added.split(
      Array(text.utf8), normalize: { bytes, _ in Self.normalized(bytes, parts) },
      onToken: { ids.append($0) },
      onText: { bytes, range, isFirst in
        let stretch = range == bytes.indices ? bytes : Array(bytes[range])
        var pieces = TextPieces(stretch, isFirst: isFirst)
        for step in parts.preTokenizers { step(&pieces) }
        for piece in pieces.ranges { parts.model.append(pieces.bytes, piece, &merger, to: &ids) }
      })
    return ids
  }

  package func decode(_ ids: [Int32]) -> String {
    var tokens: [[UInt8]] = ids.compactMap { id in
      if let token = added.entries[id] { return token.isSpecial ? nil : Array(token.content.utf8) }
      return vocabulary.text(of: id).map { Array($0.utf8) }
    }
    guard let decoders = parts.decoders else {
      return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self)
    }
    for step in decoders { step(&tokens) }
    return String(decoding: Array(tokens.joined()), as: UTF8.self)
  }
}
