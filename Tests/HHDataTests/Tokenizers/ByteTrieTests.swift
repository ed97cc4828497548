// The longest entry at an offset is found.

import Testing

@testable import HHData

@Suite("ByteTrie")
struct ByteTrieTests {
  private let text = Array("abcab".utf8)

  @Test("entries are found where they begin, the longest within the bound")
  func search() {
    var trie = ByteTrie()
    #expect(trie.isEmpty)
    trie.insert("".utf8, id: 9)
    #expect(trie.isEmpty && trie.longestMatch(in: text, from: 0, to: 5) == nil)
    trie.insert("ab".utf8, id: 1)
    trie.insert("abca".utf8, id: 2)
    trie.insert("b".utf8, id: 3)
    func match(_ start: Int, _ end: Int) -> [Int] {
      trie.longestMatch(in: text, from: start, to: end).map { [Int($0.id), $0.end] } ?? []
    }
    #expect(match(0, 5) == [2, 4] && match(0, 3) == [1, 2] && match(0, 1) == [])
    #expect(match(1, 5) == [3, 2] && match(2, 5) == [] && match(3, 5) == [1, 5])
    #expect(match(5, 5) == [])
    var found: [Int] = []
    trie.forEachMatch(in: text, from: 0, to: 5) { id, end in found += [Int(id), end] }
    #expect(found == [1, 2, 2, 4])
  }

  @Test("an entry that comes again takes the later id")
  func repetition() {
    var trie = ByteTrie()
    trie.insert("ab".utf8, id: 1)
    trie.insert("ab".utf8, id: 7)
    #expect(trie.longestMatch(in: text, from: 0, to: 5)?.id == 7)
  }
}
