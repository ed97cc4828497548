// The machine of patterns: what it knows, what it refuses, and that it stays linear.

import Testing

@testable import HHData

@Suite("SplitPattern")
struct SplitPatternTests {
  private func parts(_ text: String, _ pattern: String) throws -> [String] {
    let bytes = Array(text.utf8)
    var parts: [String] = []
    let pattern = try #require(SplitPattern(pattern))
    pattern.forEachPart(of: bytes, in: bytes.indices) { part, _ in
      parts.append(String(decoding: bytes[part], as: UTF8.self))
    }
    return parts
  }

  @Test(
    "matches and what lies between them",
    arguments: [
      ("[0-9]+", "ab12c3", ["ab", "12", "c", "3"]), ("b", "abcb", ["a", "b", "c", "b"]),
      ("x", "", []), ("x", "aé", ["aé"]), ("é|a", "aéb", ["a", "é", "b"]),
      ("a{2}", "aaaaa", ["aa", "aa", "a"]), ("a{2,3}", "aaaaa", ["aaa", "aa"]),
      ("(ab)+", "ababb", ["abab", "b"]), ("(?:ab|c)*d", "abcdx", ["abcd", "x"]),
      ("(a|b){1,3}c", "abbbc", ["a", "bbbc"]), ("a?b", "aab", ["a", "ab"]),
      ("a*ab", "aaab", ["aaab"]), ("a*+ab", "aaab", ["aaab"]),
      ("a(?=b)", "acab", ["ac", "a", "b"]),
      ("a(?!b)", "abac", ["ab", "a", "c"]), (#"\s+$"#, "a  b  ", ["a  b", "  "]),
      ("(?i:'s)", "'S's", ["'S", "'s"]), (#"[\p{L}&&[^\p{Han}]]+"#, "a中b", ["a", "中", "b"]),
      (#"[^\p{L}]+"#, "a12b", ["a", "12", "b"]), (#"[+,\-.]"#, "a-b", ["a", "-", "b"]),
      (#"[\[-^]"#, #"a]\"#, ["a", "]", #"\"#]),
    ])
  func match(pattern: String, text: String, expected: [String]) throws {
    // A possessive run keeps what the rest would need.
    #expect(try parts(text, pattern) == (pattern == "a*+ab" ? ["aaab"] : expected))
  }

  @Test("a possessive run gives nothing back")
  func possessive() throws {
    #expect(try parts("aab", "a++b") == ["aab"])
    #expect(try parts("aa", "a*+a") == ["aa"])
    #expect(try parts("ba", "[ab]?+a") == ["ba"])
    #expect(try parts("a", "[ab]?+a") == ["a"])
  }

  @Test(
    "what the machine does not know is no pattern",
    arguments: [
      "(", "[a", #"\w"#, #"\p{Xx}"#, #"\"#, "a)", "[b-a]", "(?<n>a)", #"\p{L"#, "*a", "a|+",
    ])
  func unknown(text: String) {
    #expect(SplitPattern(text) == nil)
  }

  @Test("only patterns known here are taken from a file")
  func known() {
    #expect(SplitPattern(known: "(a*)*b") == nil)
    #expect(SplitPattern(known: SplitPatterns.gpt2)?.text == SplitPatterns.gpt2)
  }

  @Test("every rule cuts long runs of one kind in a time that follows their length")
  func longRuns() throws {
    for rule in GGUFPreTokenizer.all {
      let preTokenization = try #require(PreTokenization(rule.patterns))
      for unit in ["a", "A", " ", "\n", "7", "!", "中", "\u{301}", "aA", " \n", "'"] {
        let bytes = Array(String(repeating: unit, count: 2000).utf8)
        var total = 0
        preTokenization.forEachPiece(of: bytes, in: bytes.indices) { total += $0.count }
        #expect(total == bytes.count, "\(rule.names[0]) \(unit.debugDescription)")
      }
    }
  }
}
