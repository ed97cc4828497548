// BERT's words and pieces.

import Testing

@testable import HHData

@Suite("WordPiece")
struct WordPieceTests {
  private func tokenizer(_ normalization: BertNormalization = BertNormalization()) -> WordPiece {
    var vocabulary = Vocabulary()
    for (id, text) in ["[UNK]", "un", "##able", "##a", "a", "é", "e", "中", ",", "É"].enumerated() {
      vocabulary.insert(text, id: id)
    }
    return WordPiece(
      vocabulary: vocabulary, unknown: 0, normalization: normalization,
      options: WordPiece.Options(), added: [], special: SpecialTokens(unknown: 0),
      frame: TokenFrame())
  }

  @Test(
    "Words are cleaned, cut and split into the longest entries",
    arguments: [
      ("unable", [1, 2]), ("UNABLE", [1, 2]), ("unab", [0]), ("una", [1, 3]), ("é", [6]),
      ("e\u{301}", [6]), ("a中a", [4, 7, 4]), ("a,a", [4, 8, 4]), ("a\u{0}\u{200B}a", [4, 3]),
      ("a\u{3000}a\ta", [4, 4, 4]), ("", []), (" \n", []), ("un##able", [1, 0, 0, 0]),
    ] as [(String, [Int32])])
  func encode(text: String, ids: [Int32]) {
    #expect(tokenizer().encode(text) == ids)
  }

  @Test("A cased vocabulary keeps case and accents")
  func cased() {
    var normalization = BertNormalization()
    normalization.lowercases = false
    normalization.stripsAccents = false
    #expect(tokenizer(normalization).encode("É é E") == [9, 5, 0])
  }

  @Test("A word of more than 100 characters is unknown, whatever its bytes")
  func longWords() {
    let accepted = tokenizer().encode(String(repeating: "a", count: 100))
    #expect(accepted == [4] + Array(repeating: 3, count: 99))
    #expect(tokenizer().encode(String(repeating: "a", count: 101)) == [0])
    #expect(tokenizer().encode(String(repeating: "é", count: 101) + " a") == [0, 4])
  }

  @Test("Decoding joins continuations to their word")
  func decode() {
    #expect(tokenizer().decode([1, 2, 4, 99, -1]) == "unable a")
  }
}
