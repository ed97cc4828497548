// What a step of a tokenizer looks for in text: a fixed string, or a known expression.

/// A pattern of `Split` and `Replace` steps.
enum TextPattern: Sendable {
  case text([UInt8])
  case expression(SplitPattern)

  /// Calls `body` with the byte ranges of the matches in `text[range]` and of what lies between
  /// them, in order, and whether each is a match.
  func forEachPart(
    of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>, Bool) -> Void
  ) {
    switch self {
    case .expression(let pattern): pattern.forEachPart(of: text, in: range, body)
    case .text(let wanted):
      var start = range.lowerBound
      var offset = start
      while !wanted.isEmpty, offset + wanted.count <= range.upperBound {
        guard text[offset] == wanted[0], text[offset..<offset + wanted.count].elementsEqual(wanted)
        else {
          offset += 1
          continue
        }
        if start < offset { body(start..<offset, false) }
        body(offset..<offset + wanted.count, true)
        offset += wanted.count
        start = offset
      }
      if start < range.upperBound { body(start..<range.upperBound, false) }
    }
  }
}
