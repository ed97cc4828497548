// BPE over characters: what it merges, and what it does with characters it does not know.

import Testing

@testable import HHData

@Suite("CharacterBPE")
struct CharacterBPETests {
  private func ids(
    _ text: String, _ entries: [String], merges: [(left: String, right: String)] = [],
    bytes: [UInt8: Int32] = [:], _ options: CharacterBPE.Options = CharacterBPE.Options(),
    in range: Range<Int>? = nil
  ) throws -> [Int32] {
    var vocabulary = Vocabulary()
    for (id, entry) in entries.enumerated() { vocabulary.insert(entry, id: id) }
    let model = CharacterBPE(
      entries: vocabulary.idsByBytes,
      merges: try vocabulary.mergeTable(
        merges, droppingFromRight: options.continuationPrefix.count),
      bytes: ByteFallback(bytes), options: options)
    var merger = PairMerger()
    var ids: [Int32] = []
    let text = Array(text.utf8)
    model.append(text, range ?? text.indices, &merger, to: &ids)
    return ids
  }

  @Test("characters are merged, the earliest merge of the list first")
  func merges() throws {
    let entries = ["a", "b", "c", "ab", "bc", "abc"]
    #expect(try ids("abc", entries, merges: [("b", "c"), ("a", "b"), ("a", "bc")]) == [5])
    #expect(try ids("abc", entries, merges: [("a", "b"), ("b", "c")]) == [3, 2])
    #expect(try ids("abab", entries, merges: [("a", "b")]) == [3, 3])
    #expect(try ids("", entries).isEmpty)
  }

  @Test("only the piece is read, in whole characters")
  func piece() throws {
    #expect(try ids("xäby", ["ä", "b"], in: 1..<4) == [0, 1])
  }

  @Test("a character without an entry is dropped, or the unknown one, each or each run of them")
  func unknown() throws {
    let entries = ["[UNK]", "a"]
    #expect(try ids("éaöü", entries) == [1])
    var options = CharacterBPE.Options(unknown: 0)
    #expect(try ids("éaöü", entries, options) == [0, 1, 0, 0])
    options.joinsUnknown = true
    #expect(try ids("éaöü", entries, options) == [0, 1, 0])
  }

  @Test("with tokens for all bytes, a character without an entry becomes its bytes")
  func bytes() throws {
    let bytes = Dictionary(uniqueKeysWithValues: (0...UInt8.max).map { ($0, 100 + Int32($0)) })
    var options = CharacterBPE.Options(unknown: 0, joinsUnknown: true)
    #expect(try ids("aéa", ["[UNK]", "a"], bytes: bytes, options) == [1, 295, 269, 1])
    options.unknown = nil
    #expect(try ids("é", ["a"], bytes: bytes, options) == [295, 269])
  }

  @Test("all but the first character have a prefix, and merges leave it out of what they make")
  func prefix() throws {
    let options = CharacterBPE.Options(continuationPrefix: Array("##".utf8))
    let entries = ["a", "##b", "##a", "ab"]
    #expect(try ids("aba", entries, options) == [0, 1, 2])
    #expect(try ids("aba", entries, merges: [("a", "##b")], options) == [3, 2])
  }

  @Test("the last character has a suffix, which a piece of one character has too")
  func suffix() throws {
    let options = CharacterBPE.Options(wordSuffix: Array("</w>".utf8))
    let entries = ["a", "b</w>", "a</w>", "ab</w>"]
    #expect(try ids("ab", entries, options) == [0, 1])
    #expect(try ids("a", entries, options) == [2])
    #expect(try ids("ab", entries, merges: [("a", "b</w>")], options) == [3])
  }

  @Test("a piece that is an entry is taken whole only where merges are ignored")
  func whole() throws {
    #expect(try ids("ab", ["a", "b", "ab"]) == [0, 1])
    let options = CharacterBPE.Options(ignoresMerges: true)
    #expect(try ids("ab", ["a", "b", "ab"], options) == [2])
    #expect(try ids("abb", ["a", "b", "ab"], options) == [0, 1, 1])
  }
}
