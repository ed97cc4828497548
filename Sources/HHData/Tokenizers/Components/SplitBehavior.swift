// What becomes of the matches that a text is cut at.

/// The behaviours of Hugging Face's `Split` and `Punctuation`.
enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  /// Neighbouring matches are one piece.
  case contiguous = "Contiguous"

  /// A stretch of text.
  struct Part {
    var range: Range<Int>
    var isMatch: Bool
  }

  /// Leaves of the parts of a text those that are pieces.
  func join(_ parts: inout [Part]) {
    switch self {
    case .isolated: break
    case .removed: parts.removeAll(where: \.isMatch)
    case .contiguous:
      parts = parts.reduce(into: []) { joined, part in
        if let last = joined.last, last.isMatch == part.isMatch {
          joined[joined.count - 1].range = last.range.lowerBound..<part.range.upperBound
        } else {
          joined.append(part)
        }
      }
    case .mergedWithPrevious:
      var wasMatch = false
      parts = parts.reduce(into: []) { joined, part in
        if part.isMatch, !wasMatch, let last = joined.last {
          joined[joined.count - 1].range = last.range.lowerBound..<part.range.upperBound
        } else {
          joined.append(part)
        }
        wasMatch = part.isMatch
      }
    case .mergedWithNext:
      var wasMatch = false
      var joined: [Part] = []
      for part in parts.reversed() {
        if part.isMatch, !wasMatch, let last = joined.last {
          joined[joined.count - 1].range = part.range.lowerBound..<last.range.upperBound
        } else {
          joined.append(part)
        }
        wasMatch = part.isMatch
      }
      parts = joined.reversed()
    }
  }
}
