// Tokenizers of every kind, with files beside them, against transformers and SentencePiece.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("Tokenizers of every kind")
struct TokenizerKindsTests {
  private static let golden = Result {
    try JSONValue(parsing: readBytes(at: Fixtures.path("golden/tokenizer-kinds.json")))
  }

  private static let count = 25

  @Test("the golden file has all kinds, and more than 200 texts")
  func everyKind() throws {
    let golden = try Self.golden.get()
    #expect(golden["cases"]?.array?.count == Self.count)
    #expect(try #require(golden["texts"]?.array?.count) > 200)
  }

  @Test("every text has the ids that transformers gives", arguments: 0..<count)
  func ids(_ index: Int) throws {
    let golden = try Self.golden.get()
    let texts = try #require(golden["texts"]?.array).map { try #require($0.string) }
    let entry = try #require(golden["cases"]?.array)[index]
    let name = try #require(entry["name"]?.string)
    let directory = try TemporaryDirectory()
    for (file, source) in try #require(entry["files"]?.object).pairs {
      try directory.write(readBytes(at: Fixtures.path(try #require(source.string))), to: file)
    }
    for (file, value) in try #require(entry["written"]?.object).pairs {
      try directory.write(value.text, to: file)
    }
    let tokenizer = try #require(try TokenizerLoader.load(beside: directory.path))
    let frame = try #require(entry["frame"]?.array).compactMap(\.integer)
    #expect([tokenizer.frame.prefix.count, tokenizer.frame.suffix.count] == frame, "\(name)")
    let lists = try #require(entry["ids"]?.array)
    #expect(lists.count == texts.count)
    for (text, list) in zip(texts, lists) {
      let ids = try #require(list.array).compactMap(\.integer).map(Int32.init)
      #expect(tokenizer.encode(text) == ids, "\(name): \(text.debugDescription)")
      // Decoding never fails, whatever the ids.
      _ = tokenizer.decode(ids + [-1, .max])
    }
  }

  @Test("marks and words are those of the Unicode versions that tokenizers has")
  func versions() throws {
    func stripped(_ text: String) -> String {
      String(decoding: NormalizerStep.stripAccents(Array(text.utf8)), as: UTF8.self)
    }
    // Marks of Unicode 1, 9 and 5.2, of which the last became a letter.
    #expect(stripped("a\u{301}b\u{8D4}c\u{1CF2}") == "abc")
    // Marks of Unicode 11 and 17, and one that was punctuation.
    for kept in ["a\u{7FD}", "a\u{1ACF}", "a\u{111C9}"] { #expect(stripped(kept) == kept) }
    func words(_ text: String) -> Int {
      var pieces = TextPieces(Array(text.utf8), isFirst: true)
      PreTokenizerStep.words(&pieces)
      return pieces.ranges.count
    }
    // Letters of Unicode 16 and 17.
    #expect(words("a\u{1C89}b") == 1 && words("a\u{88F}b") == 3)
  }
}
