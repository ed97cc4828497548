// Splits text into the pieces that byte-level BPE merges within.

/// How a text is cut before merging: by one pattern after the other, each within the parts that the
/// ones before it left.
package struct PreTokenization: Sendable, Equatable {
  /// The patterns in turn; with none, the whole text is one piece.
  package let patterns: [SplitPattern]

  /// Creates a rule.
  package init(_ patterns: [SplitPattern] = []) {
    self.patterns = patterns
  }

  /// The rule of some known texts; nil where one of them is not known here.
  package init?(_ texts: [String]) {
    let patterns = texts.compactMap { SplitPattern(known: $0) }
    guard patterns.count == texts.count else { return nil }
    self.patterns = patterns
  }

  /// GPT-2's rule.
  package static let gpt2 = PreTokenization(
    [SplitPattern(known: SplitPatterns.gpt2)].compactMap(\.self))

  /// Calls `body` with the byte range of each piece of `text[range]`, in order and without gaps.
  func forEachPiece(of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void) {
    split(text, range, by: patterns[...], body)
  }

  private func split(
    _ text: [UInt8], _ range: Range<Int>, by patterns: ArraySlice<SplitPattern>,
    _ body: (Range<Int>) -> Void
  ) {
    guard let pattern = patterns.first else {
      if !range.isEmpty { body(range) }
      return
    }
    let others = patterns.dropFirst()
    pattern.forEachPart(of: text, in: range) { part, _ in split(text, part, by: others, body) }
  }
}
