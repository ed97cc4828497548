// Tokens that are cut out of the text before the model's own algorithm sees it.

/// One entry of `added_tokens` in tokenizer.json.
package struct AddedToken: Sendable, Equatable {
  /// The id.
  package var id: Int32
  /// The text that stands for the token.
  package var content: String
  /// Whether decoding leaves the token out.
  package var isSpecial: Bool
  /// Whether the token is looked for in the normalised text rather than in the original.
  package var isNormalized: Bool
  /// Whether the token takes the white space before it.
  package var stripsLeft: Bool
  /// Whether the token takes the white space after it.
  package var stripsRight: Bool
  /// Whether the token is only found between characters that are not part of a word.
  package var isSingleWord: Bool

  /// Creates an entry; by default a special token as models define them.
  package init(
    id: Int32, content: String, isSpecial: Bool = true, isNormalized: Bool = false,
    stripsLeft: Bool = false, stripsRight: Bool = false, isSingleWord: Bool = false
  ) {
    self.id = id
    self.content = content
    self.isSpecial = isSpecial
    self.isNormalized = isNormalized
    self.stripsLeft = stripsLeft
    self.stripsRight = stripsRight
    self.isSingleWord = isSingleWord
  }
}

extension [AddedToken] {
  /// The tokens as they are found where nothing is normalised: in the original text.
  var inOriginalText: [AddedToken] {
    map { token in
      var token = token
      token.isNormalized = false
      return token
    }
  }
}

/// The added tokens of a tokenizer, ready to be searched for.
package struct AddedTokens: Sendable {
  /// The entries by id.
  package let entries: [Int32: AddedToken]
  private let original: ByteTrie
  private let normalized: ByteTrie

  /// Creates the set. `normalize` is the tokenizer's normaliser: a token that is looked for in
  /// normalised text is itself spelt in normalised form.
  package init(_ tokens: [AddedToken] = [], normalize: ([UInt8]) -> [UInt8] = { $0 }) {
    var entries: [Int32: AddedToken] = [:]
    var original = ByteTrie()
    var normalized = ByteTrie()
    for token in tokens {
      entries[token.id] = token
      if token.isNormalized {
        normalized.insert(normalize(Array(token.content.utf8)), id: token.id)
      } else {
        original.insert(token.content.utf8, id: token.id)
      }
    }
    self.entries = entries
    self.original = original
    self.normalized = normalized
  }

  /// The id of the token that is spelt so.
  package func id(of content: String) -> Int32? {
    entries.values.first { $0.content.utf8.elementsEqual(content.utf8) }?.id
  }

  /// Cuts a text: `onToken` gets the tokens found, `onText` the normalised text between them, in
  /// order. Both `normalize` and `onText` are told whether a stretch begins the text.
  func split(
    _ text: [UInt8], normalize: ([UInt8], Bool) -> [UInt8], onToken: (Int32) -> Void,
    onText: ([UInt8], Range<Int>, Bool) -> Void
  ) {
    split(text, by: original, onToken: onToken) { range in
      let stretch = range == text.indices ? text : Array(text[range])
      let isFirst = range.lowerBound == 0
      let clean = normalize(stretch, isFirst)
      split(clean, by: normalized, onToken: onToken) {
        onText(clean, $0, isFirst && $0.lowerBound == 0)
      }
    }
  }

  private func split(
    _ text: [UInt8], by trie: ByteTrie, onToken: (Int32) -> Void, onText: (Range<Int>) -> Void
  ) {
    var start = 0
    var offset = 0
    while !trie.isEmpty, offset < text.count {
      guard let found = trie.longestMatch(in: text, from: offset, to: text.count),
        let token = entries[found.id]
      else {
        offset += 1
        continue
      }
      guard !token.isSingleWord || Self.isWord(text, offset..<found.end) else {
        offset = found.end
        continue
      }
      var (lower, upper) = (offset, found.end)
      if token.stripsLeft {
        while lower > start, let space = text.scalar(before: lower), space.properties.isWhitespace {
          lower -= Unicode.UTF8.width(space)
        }
      }
      if token.stripsRight {
        while upper < text.count, text.scalar(at: upper).scalar.properties.isWhitespace {
          upper += text.scalar(at: upper).length
        }
      }
      if lower > start { onText(start..<lower) }
      onToken(found.id)
      (start, offset) = (upper, upper)
    }
    if start < text.count { onText(start..<text.count) }
  }

  private static func isWord(_ text: [UInt8], _ range: Range<Int>) -> Bool {
    let before = text.scalar(before: range.lowerBound)
    let after = range.upperBound < text.count ? text.scalar(at: range.upperBound).scalar : nil
    return !(before?.belongsToWord ?? false) && !(after?.belongsToWord ?? false)
  }
}

extension Unicode.Scalar {
  /// Whether the scalar is in `\w` of Unicode's regular expressions (UTS 18, annex C), by the tables
  /// of Unicode 16, which Hugging Face's tokenizers have.
  var belongsToWord: Bool {
    guard let age = properties.age, age.major <= 16 else { return false }
    return switch properties.generalCategory {
    case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: true
    default: properties.isAlphabetic || properties.isJoinControl
    }
  }
}
