// BERT's basic tokenisation: cleaning, ideographs, case, accents, words.

/// BERT's text clean-up (BasicTokenizer of the original, BertNormalizer in tokenizer.json).
package struct BertNormalization: Sendable, Equatable {
  /// Drops control characters and turns every white space into a space.
  package var cleansText = true
  /// Puts spaces around CJK ideographs.
  package var spacesIdeographs = true
  /// Removes accents: form D without non-spacing marks.
  package var stripsAccents = true
  /// Lower-cases.
  package var lowercases = true

  /// The options of the uncased models.
  package init() {}

  /// The normalised text.
  func callAsFunction(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var seen: [Unicode.Scalar: [UInt8]] = [:]
    var offset = 0
    while offset < text.count {
      let (scalar, length) = text.scalar(at: offset)
      offset += length
      if scalar.isASCII {
        appendASCII(UInt8(truncatingIfNeeded: scalar.value), to: &result)
      } else if let known = seen[scalar] {
        result += known
      } else {
        let bytes = normalized(scalar)
        seen[scalar] = bytes
        result += bytes
      }
    }
    return result
  }

  private func appendASCII(_ byte: UInt8, to result: inout [UInt8]) {
    switch byte {
    case 0x09...0x0D where byte != 0x0B && byte != 0x0C: result.append(cleansText ? 0x20 : byte)
    case 0..<0x20, 0x7F: if !cleansText { result.append(byte) }
    case 0x41...0x5A: result.append(lowercases ? byte | 0x20 : byte)
    default: result.append(byte)
    }
  }

  private func normalized(_ scalar: Unicode.Scalar) -> [UInt8] {
    var scalar = scalar
    if cleansText {
      if scalar == "\u{FFFD}" || scalar.isOther { return [] }
      if scalar.properties.isWhitespace { scalar = " " }
    }
    var scalars = [scalar]
    if spacesIdeographs, scalar.isIdeograph { scalars = [" ", scalar, " "] }
    if stripsAccents {
      scalars = scalars.flatMap(canonicalDecomposition).filter {
        $0.bertCategory != .nonspacingMark
      }
    }
    if lowercases {
      scalars = scalars.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
    }
    var bytes: [UInt8] = []
    for scalar in scalars { bytes.append(scalar) }
    return bytes
  }

  /// Calls `body` with the byte range of each word of `text[range]`: runs without white space, with
  /// every punctuation mark a word of its own.
  static func forEachWord(
    of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void
  ) {
    var start = range.lowerBound
    var offset = start
    while offset < range.upperBound {
      let (scalar, length) = text.scalar(at: offset)
      let isSpace =
        scalar.isASCII
        ? scalar == " " || (0x09...0x0D).contains(scalar.value)
        : scalar.properties.isWhitespace
      if isSpace || scalar.isBertPunctuation {
        if start < offset { body(start..<offset) }
        if !isSpace { body(offset..<offset + length) }
        start = offset + length
      }
      offset += length
    }
    if start < range.upperBound { body(start..<range.upperBound) }
  }
}

extension Unicode.Scalar {
  /// The general category as of Unicode 8: the tables of Hugging Face's BERT tokenizers stop there,
  /// and later scalars pass through them as ordinary characters.
  fileprivate var bertCategory: Unicode.GeneralCategory {
    guard let age = properties.age, age.major <= 8 else { return .unassigned }
    return properties.generalCategory
  }

  /// Control, format, surrogate and private use. Hugging Face keeps unassigned scalars, unlike the
  /// original, which drops all of general category C; so do we, as its files are what we read.
  fileprivate var isOther: Bool {
    switch bertCategory {
    case .control, .format, .surrogate, .privateUse: true
    default: false
    }
  }

  /// The blocks that BERT spaces out, with the bounds of Hugging Face's `is_chinese_char`.
  fileprivate var isIdeograph: Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  /// General category P*, and every ASCII mark that is neither letter, digit nor space.
  var isBertPunctuation: Bool {
    if isASCII {
      switch value {
      case 33...47, 58...64, 91...96, 123...126: return true
      default: return false
      }
    }
    switch bertCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }
}
