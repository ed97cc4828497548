// Steps that cut a text into pieces before the model sees it, as tokenizer.json lists them.

/// One pre-tokenizer.
enum PreTokenizerStep: Sendable {
  /// Words without white space, every punctuation mark alone.
  case bert
  /// Bytes as printable characters, after cutting by a pattern where there is one.
  case byteLevel(addsPrefixSpace: Bool, pattern: SplitPattern?)
  /// A mark in the place of spaces, put before the text by a rule, unless it has to yield to one
  /// that is there.
  case metaspace(
    mark: [UInt8], prefix: SentencePieceBPE.Prefix, yieldsToMark: Bool, splits: Bool)
  /// Runs of word characters and runs of marks, without white space.
  case words
  /// What lies between white space.
  case whiteSpace
  case split(Matcher, SplitBehavior)

  /// What `split` looks for.
  enum Matcher: Sendable {
    /// `isInverted` takes what lies between matches for matches and the other way round.
    case pattern(TextPattern, isInverted: Bool)
    /// Every punctuation mark.
    case punctuation
    /// Every numeric character.
    case digit
  }

  /// Cuts the pieces further.
  func callAsFunction(_ pieces: inout TextPieces) {
    switch self {
    case .bert:
      pieces.cut { text, range, body in BertNormalization.forEachWord(of: text, in: range, body) }
    case .byteLevel(let addsPrefixSpace, let pattern):
      if addsPrefixSpace {
        pieces.map { piece, _ in piece.first == 0x20 ? Array(piece) : [0x20] + piece }
      }
      if let pattern {
        pieces.cut { text, range, body in
          pattern.forEachPart(of: text, in: range) { part, _ in body(part) }
        }
      }
      pieces.map { piece, _ in Array(piece).spelledBytes }
    case .metaspace(let mark, let prefix, let yieldsToMark, let splits):
      pieces.map { piece, isFirst in
        let text = NormalizerStep.replace(.text([0x20]), with: mark)(Array(piece))
        let takesPrefix = prefix == .always || prefix == .first && isFirst
        return takesPrefix && !(yieldsToMark && text.starts(with: mark)) ? mark + text : text
      }
      if splits {
        PreTokenizerStep.split(.pattern(.text(mark), isInverted: false), .mergedWithNext)(&pieces)
      }
    case .words:
      pieces.cut { text, range, body in
        Self.forEachRun(of: text, in: range, body) { scalar in
          scalar.belongsToWord ? 1 : scalar.properties.isWhitespace ? 0 : 2
        }
      }
    case .whiteSpace:
      pieces.cut { text, range, body in
        Self.forEachRun(of: text, in: range, body) { $0.properties.isWhitespace ? 0 : 1 }
      }
    case .split(let matcher, let behavior):
      pieces.cut { text, range, body in
        var parts: [SplitBehavior.Part] = []
        matcher.forEachPart(of: text, in: range) { parts.append(.init(range: $0, isMatch: $1)) }
        behavior.join(&parts)
        for part in parts { body(part.range) }
      }
    }
  }

  /// Calls `body` with the runs of scalars of one kind; those of kind 0 are left out.
  private static func forEachRun(
    of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void,
    kind: (Unicode.Scalar) -> Int
  ) {
    var (start, offset, current) = (range.lowerBound, range.lowerBound, 0)
    while offset < range.upperBound {
      let (scalar, length) = text.scalar(at: offset)
      let next = kind(scalar)
      if next != current {
        if current != 0 { body(start..<offset) }
        (start, current) = (offset, next)
      }
      offset += length
    }
    if current != 0 { body(start..<range.upperBound) }
  }
}

extension PreTokenizerStep.Matcher {
  /// Calls `body` with the parts of a text and whether each is a match.
  fileprivate func forEachPart(
    of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>, Bool) -> Void
  ) {
    switch self {
    case .pattern(let pattern, let isInverted):
      pattern.forEachPart(of: text, in: range) { body($0, $1 != isInverted) }
    case .punctuation: Self.forEachScalar(of: text, in: range, body) { $0.isBertPunctuation }
    case .digit:
      Self.forEachScalar(of: text, in: range, body) { $0.properties.generalCategory.isNumber }
    }
  }

  private static func forEachScalar(
    of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>, Bool) -> Void,
    where isMatch: (Unicode.Scalar) -> Bool
  ) {
    var (start, offset) = (range.lowerBound, range.lowerBound)
    while offset < range.upperBound {
      let (scalar, length) = text.scalar(at: offset)
      if isMatch(scalar) {
        if start < offset { body(start..<offset, false) }
        body(offset..<offset + length, true)
        start = offset + length
      }
      offset += length
    }
    if start < range.upperBound { body(start..<range.upperBound, false) }
  }
}

extension Unicode.GeneralCategory {
  fileprivate var isNumber: Bool {
    self == .decimalNumber || self == .letterNumber || self == .otherNumber
  }
}
