// Vocabularies of whole words, and of bytes for what is unknown.

import Testing

@testable import HHData

@Suite("SubwordModel")
struct SubwordModelTests {
  @Test("a word that is no entry is the unknown one")
  func words() {
    let model = WordLevel(words: [[0x61]: 4], unknown: 0)
    var merger = PairMerger()
    var ids: [Int32] = [9]
    model.append([0x61, 0x62], 0..<1, &merger, to: &ids)
    model.append([0x61, 0x62], 0..<2, &merger, to: &ids)
    #expect(ids == [9, 4, 0])
  }

  @Test("there are tokens of bytes only where there are all of them")
  func bytes() {
    let all = Dictionary(uniqueKeysWithValues: (0...UInt8.max).map { ($0, 300 - Int32($0)) })
    let fallback = ByteFallback(all)
    #expect(!fallback.isEmpty && fallback[0] == 300 && fallback[255] == 45)
    var some = all
    some[7] = nil
    #expect(ByteFallback(some).isEmpty)
  }
}
