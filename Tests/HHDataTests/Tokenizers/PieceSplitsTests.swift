// Splitting pieces into two others.

import HHTestSupport
import Testing

@testable import HHData

@Suite("PieceSplits")
struct PieceSplitsTests {
  /// The pairs of each text, as texts.
  private func pairs(_ texts: [[UInt8]]) -> [[[[UInt8]]]] {
    let splits = PieceSplits(texts)
    return texts.indices.map { text in
      splits.pairs(of: text).map { [texts[$0.left], texts[$0.right]] }
    }
  }

  /// The definition: every cut whose two sides are texts, that of the longest left side first.
  private func naivePairs(_ texts: [[UInt8]]) -> [[[[UInt8]]]] {
    let known = Set(texts)
    return texts.map { text in
      text.indices.dropFirst().reversed().map { [Array(text[..<$0]), Array(text[$0...])] }
        .filter { $0.allSatisfy(known.contains) }
    }
  }

  @Test("Every cut between two texts is found, the longest left side first")
  func order() {
    let texts = ["abc", "a", "ab", "c", "bc", "cab", ""].map { Array($0.utf8) }
    let splits = PieceSplits(texts)
    #expect(splits.pairs(of: 0).map(\.left) == [2, 1])
    #expect(splits.pairs(of: 0).map(\.right) == [3, 4])
    #expect(splits.pairs(of: 5).map(\.left) == [3])
    for text in [1, 2, 3, 4, 6] { #expect(splits.pairs(of: text).isEmpty) }
    #expect(pairs([]).isEmpty)
  }

  @Test("Random texts, equal ones among them, split as the definition says", arguments: 0..<20)
  func againstDefinition(seed: UInt64) {
    var forge = FileForge(seed: seed)
    let texts = (0..<60).map { _ in
      let count = forge.next(below: 8)
      return (0..<count).map { _ in UInt8(forge.next(below: 2)) }
    }
    #expect(pairs(texts) == naivePairs(texts))
  }
}
