// Where the GPT-2 and Llama-3 patterns cut.

import Testing

@testable import HHData

@Suite("PreTokenization")
struct PreTokenizationTests {
  private func pieces(_ text: String, _ rule: PreTokenization) -> [String] {
    let bytes = Array(text.utf8)
    var pieces: [String] = []
    rule.forEachPiece(of: bytes, in: bytes.indices) {
      pieces.append(String(decoding: bytes[$0], as: UTF8.self))
    }
    return pieces
  }

  @Test(
    "GPT-2's pattern",
    arguments: [
      ("", []), ("Hello world", ["Hello", " world"]), ("a  b", ["a", " ", " b"]),
      ("a   ", ["a", "   "]), ("it's I'LL", ["it", "'s", " I", "'", "LL"]),
      ("x1234 56", ["x", "1234", " 56"]), ("a\n\nb", ["a", "\n", "\n", "b"]),
      ("!? ..é½", ["!?", " ..", "é", "½"]), ("'", ["'"]), (" \t a", [" \t", " a"]),
    ])
  func gpt2(text: String, expected: [String]) {
    #expect(pieces(text, .gpt2) == expected)
  }

  @Test(
    "Llama-3's pattern",
    arguments: [
      ("it'S I'LL", ["it", "'S", " I", "'LL"]), ("x1234567", ["x", "123", "456", "7"]),
      ("a\n\nb", ["a", "\n\n", "b"]), (" \n\n  b", [" \n\n", " ", " b"]),
      ("!!\r\nx", ["!!\r\n", "x"]), ("(word) _a", ["(word", ")", " _", "a"]),
      ("a\tb", ["a", "\tb"]), ("a  ", ["a", "  "]), ("x'\u{17F}", ["x", "'\u{17F}"]),
      ("a 12", ["a", " ", "12"]),
    ])
  func llama3(text: String, expected: [String]) throws {
    let rule = try #require(PreTokenization([SplitPatterns.llama3]))
    #expect(pieces(text, rule) == expected)
  }

  @Test("Patterns apply in turn, and without any a text is one piece")
  func severalAndNone() throws {
    let rule = try #require(PreTokenization([SplitPatterns.digit, SplitPatterns.gpt2]))
    #expect(pieces("ab12 3c", rule) == ["ab", "1", "2", " ", "3", "c"])
    #expect(pieces("a b", PreTokenization()) == ["a b"])
    #expect(pieces("", PreTokenization()) == [])
    #expect(PreTokenization(["(a*)*b"]) == nil)
  }
}
