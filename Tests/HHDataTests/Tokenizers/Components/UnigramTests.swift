// The best way to cut a text, also where it is longer than what lies in memory.

import Testing

@testable import HHData

@Suite("Unigram")
struct UnigramTests {
  private static func model(
    _ entries: [(String, Double)], bytes: Bool = false
  ) -> Unigram {
    Unigram(
      entries.enumerated().map { (Array($1.0.utf8), Int32($0)) }, scores: entries.map(\.1),
      unknown: 99,
      bytes: ByteFallback(
        bytes
          ? Dictionary(
            uniqueKeysWithValues: (UInt8.min...UInt8.max).map { ($0, 100 + Int32($0)) }) : [:]))
  }

  private static func ids(_ model: Unigram, _ text: String) -> [Int32] {
    var ids: [Int32] = []
    var merger = PairMerger()
    let bytes = Array(text.utf8)
    model.append(bytes, bytes.indices, &merger, to: &ids)
    return ids
  }

  @Test("the greatest sum wins, the first of equal ones stays")
  func best() {
    let model = Self.model([("a", -1), ("b", -1), ("ab", -1.5), ("abc", -9), ("c", -1)])
    #expect(Self.ids(model, "abc") == [2, 4])
    #expect(Self.ids(model, "ba") == [1, 0])
    #expect(Self.ids(model, "") == [])
  }

  @Test("unknown characters are one token, or their bytes")
  func unknown() {
    let entries = [("a", -1.0)]
    #expect(Self.ids(Self.model(entries), "aäöa") == [0, 99, 0])
    #expect(Self.ids(Self.model(entries, bytes: true), "aä") == [0, 100 + 0xC3, 100 + 0xA4])
  }

  @Test("a long text is cut like a short one")
  func long() {
    // Cuts in threes from the left or the right have equal sums, so every choice is far-reaching.
    let model = Self.model([("a", -3), ("aa", -2), ("aaa", -1), ("ab", -0.5), ("b", -1)])
    for tail in ["", "a", "ab"] {
      let short = Self.ids(model, String(repeating: "a", count: 3 * 100) + tail)
      let long = Self.ids(model, String(repeating: "a", count: 3 * 100_000) + tail)
      #expect(long.count - short.count == 99_900)
      #expect(long.suffix(5) == short.suffix(5) && long.prefix(5) == short.prefix(5))
    }
  }
}
