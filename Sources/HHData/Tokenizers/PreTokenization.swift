// Splits text into the pieces that byte-level BPE merges within, by hand-written scanners.
//
// GPT-2:   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Llama-3: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
//          | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+

/// How a text is cut before merging.
package struct PreTokenization: Sendable, Equatable {
  /// The pattern whose matches are the pieces.
  package enum Pattern: Sendable, Equatable {
    /// The whole text is one piece.
    case whole
    /// GPT-2's pattern.
    case gpt2
    /// Llama-3's pattern with at most this many digits in a piece (1 for Qwen-2, 3 for Llama-3).
    case llama3(maximumDigits: Int)
  }

  /// The pattern.
  package let pattern: Pattern
  /// Whether every digit is a piece of its own, before the pattern is applied.
  package let splitsDigits: Bool

  /// Creates a rule.
  package init(_ pattern: Pattern, splitsDigits: Bool = false) {
    self.pattern = pattern
    self.splitsDigits = splitsDigits
  }

  /// Calls `body` with the byte range of each piece of `text[range]`, in order and without gaps.
  func forEachPiece(of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void) {
    guard splitsDigits else { return forEachMatch(of: text, in: range, body) }
    var start = range.lowerBound
    var offset = start
    while offset < range.upperBound {
      let (scalar, length) = text.scalar(at: offset)
      if ScalarClass(scalar) == .number {
        forEachMatch(of: text, in: start..<offset, body)
        body(offset..<offset + length)
        start = offset + length
      }
      offset += length
    }
    forEachMatch(of: text, in: start..<range.upperBound, body)
  }

  private func forEachMatch(of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void) {
    let scanner = PatternScanner(text: text, end: range.upperBound)
    var start = range.lowerBound
    while start < range.upperBound {
      let end =
        switch pattern {
        case .whole: range.upperBound
        case .gpt2: scanner.gpt2End(from: start)
        case .llama3(let digits): scanner.llama3End(from: start, maximumDigits: digits)
        }
      body(start..<end)
      start = end
    }
  }
}

/// Finds where the match that starts at an offset ends. Every match has at least one scalar.
private struct PatternScanner {
  let text: [UInt8]
  let end: Int

  private func classify(_ offset: Int) -> (class: ScalarClass, length: Int)? {
    guard offset < end else { return nil }
    let (scalar, length) = text.scalar(at: offset)
    return (ScalarClass(scalar), length)
  }

  private func runEnd(of wanted: ScalarClass, from start: Int, limit: Int = .max) -> Int {
    var offset = start
    var count = 0
    while count < limit, let next = classify(offset), next.class == wanted {
      offset += next.length
      count += 1
    }
    return offset
  }

  func gpt2End(from start: Int) -> Int {
    if let end = contractionEnd(from: start, ignoringCase: false) { return end }
    let body = text[start] == 0x20 ? start + 1 : start
    if let next = classify(body), [.letter, .number, .other].contains(next.class) {
      return runEnd(of: next.class, from: body)
    }
    return spaceEnd(from: start)
  }

  func llama3End(from start: Int, maximumDigits: Int) -> Int {
    if let end = contractionEnd(from: start, ignoringCase: true) { return end }
    guard let first = classify(start) else { return end }
    switch first.class {
    case .letter: return runEnd(of: .letter, from: start)
    case .number: return runEnd(of: .number, from: start, limit: maximumDigits)
    case .newline: return spaceEnd(from: start, throughNewlines: true)
    case .space, .other:
      let second = classify(start + first.length)?.class
      if second == .letter { return runEnd(of: .letter, from: start + first.length) }
      let body = text[start] == 0x20 ? start + 1 : start
      if classify(body)?.class == .other {
        return runEnd(of: .newline, from: runEnd(of: .other, from: body))
      }
      return spaceEnd(from: start, throughNewlines: true)
    }
  }

  /// `\s*[\r\n]+` (where asked for), else `\s+(?!\S)`, else `\s+`, for a run of spaces at `start`.
  private func spaceEnd(from start: Int, throughNewlines: Bool = false) -> Int {
    var offset = start
    var last = start
    var newlineEnd: Int?
    while let next = classify(offset), next.class == .space || next.class == .newline {
      last = offset
      offset += next.length
      if next.class == .newline { newlineEnd = offset }
    }
    if throughNewlines, let newlineEnd { return newlineEnd }
    // A space before a word belongs to the word, unless it is the only one.
    return offset < end && last > start ? last : offset
  }

  private func contractionEnd(from start: Int, ignoringCase: Bool) -> Int? {
    guard text[start] == UInt8(ascii: "'") else { return nil }
    func letter(_ offset: Int) -> UInt8 {
      guard offset < end else { return 0 }
      return ignoringCase && (0x41...0x5A).contains(text[offset])
        ? text[offset] | 0x20 : text[offset]
    }
    switch (letter(start + 1), letter(start + 2)) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
      (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    // U+017F, the long s, is an `s` when case does not matter.
    case (0xC5, 0xBF) where ignoringCase: return start + 3
    default: return nil
    }
  }
}
