// How much of a reference summary another one says again (Lin 2004).

/// F-measures of the words that two texts share, from 0 to 1.
package struct ROUGE: Sendable, Equatable {
  /// Of single words, of pairs, and of the longest common subsequence.
  package let one: Double
  package let two: Double
  package let longest: Double

  /// Compares a text with its reference, by lower-case runs of ASCII letters and digits, unstemmed.
  package init(_ text: String, reference: String) {
    let (text, reference) = (Self.words(text), Self.words(reference))
    one = Self.overlap(text, reference, count: 1)
    two = Self.overlap(text, reference, count: 2)
    longest = Self.f1(
      shared: Self.longestCommonSubsequence(text, reference), text.count, reference.count)
  }

  private static func words(_ text: String) -> [Substring] {
    text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
  }

  private static func f1(shared: Int, _ a: Int, _ b: Int) -> Double {
    a + b == 0 ? 0 : 2 * Double(shared) / Double(a + b)
  }

  private static func overlap(_ text: [Substring], _ reference: [Substring], count: Int) -> Double {
    func grams(_ words: [Substring]) -> [ArraySlice<Substring>] {
      words.count < count ? [] : (0...words.count - count).map { words[$0..<$0 + count] }
    }
    let (found, wanted) = (grams(text), grams(reference))
    var open: [ArraySlice<Substring>: Int] = [:]
    for gram in wanted { open[gram, default: 0] += 1 }
    var shared = 0
    for gram in found {
      guard let left = open[gram], left > 0 else { continue }
      open[gram] = left - 1
      shared += 1
    }
    return f1(shared: shared, found.count, wanted.count)
  }

  private static func longestCommonSubsequence(_ a: [Substring], _ b: [Substring]) -> Int {
    var row = [Int](repeating: 0, count: b.count + 1)
    for x in a {
      var diagonal = 0
      for (column, y) in b.enumerated() {
        let above = row[column + 1]
        row[column + 1] = x == y ? diagonal + 1 : max(above, row[column])
        diagonal = above
      }
    }
    return row[b.count]
  }
}
