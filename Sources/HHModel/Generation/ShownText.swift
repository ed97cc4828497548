// Text that is shown while it is written.

/// The part of a growing text that can be shown: what was shown is never taken back.
struct ShownText: Sendable, Equatable {
  /// What was shown so far.
  private(set) var text = ""

  /// Takes the whole text so far, and returns what can be shown of it beyond what was shown before.
  ///
  /// The bytes of a character may come in several tokens; until then its place is held. So is text
  /// that changes what was there before. All of a text `isComplete` can be shown.
  mutating func grow(to whole: String, isComplete: Bool) -> String {
    guard
      isComplete
        || whole.unicodeScalars.last != "\u{FFFD}"
          && whole.unicodeScalars.starts(with: text.unicodeScalars)
    else { return "" }
    defer { text = whole }
    return whole.afterCommonScalars(with: text)
  }
}

extension String {
  /// What follows the longest beginning that both texts have in common. Scalars are compared, not
  /// characters: a mark that joins the last character of `other` follows it.
  func afterCommonScalars(with other: String) -> String {
    var rest = unicodeScalars[...]
    for scalar in other.unicodeScalars {
      guard rest.first == scalar else { break }
      rest.removeFirst()
    }
    return String(rest)
  }
}
