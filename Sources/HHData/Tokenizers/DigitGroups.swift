// Digits in groups of three, counted from the right.

/// The patterns that put digits into groups of three from the right, as numbers are written.
///
/// As regular expressions they look ahead to the end of the digits at every group, and so take the
/// square of the digits' number; here each digit is read twice.
enum DigitGroups: String, Sendable {
  /// Cuts before each group of three that is followed by whole groups only.
  case cutsOnly = #"(?=(\d{3})+(?!\d))"#
  /// Every group is a part, where the digits are not the beginning of a word.
  case ofWholeWords = #"\d{1,3}(?=(?:\d{3})*\b)"#
  /// Every group is a part.
  case ofAll = #"\d{1,3}(?=(?:\d{3})*(?!\d))"#

  private static let digit = ScalarSet(category: "Nd") ?? ScalarSet()

  /// The pattern of a text; nil where it is another.
  init?(_ text: String) { self.init(rawValue: text) }

  /// Calls `body` with the groups in `text[range]` and with what lies between them, in order, and
  /// whether each is a match of the expression.
  func forEachPart(of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>, Bool) -> Void) {
    var start = range.lowerBound
    func cut(at offset: Int, isMatch: Bool = false) {
      if start < offset { body(start..<offset, isMatch) }
      start = max(start, offset)
    }
    var offset = start
    while offset < range.upperBound {
      var digits: [Int] = []
      while offset < range.upperBound {
        let (scalar, length) = text.scalar(at: offset)
        guard Self.digit.contains(scalar) else { break }
        digits.append(offset)
        offset += length
      }
      if !digits.isEmpty, isGrouped(text, endingAt: offset, of: range) {
        if self != .cutsOnly { cut(at: digits[0]) }
        for index in digits.indices where (digits.count - index).isMultiple(of: 3) {
          cut(at: digits[index], isMatch: self != .cutsOnly)
        }
        if self != .cutsOnly { cut(at: offset, isMatch: true) }
      }
      if offset < range.upperBound { offset += text.scalar(at: offset).length }
    }
    cut(at: range.upperBound)
  }

  private func isGrouped(_ text: [UInt8], endingAt offset: Int, of range: Range<Int>) -> Bool {
    guard self == .ofWholeWords, offset < range.upperBound else { return true }
    return !ScalarSet.word.contains(text.scalar(at: offset).scalar)
  }
}
