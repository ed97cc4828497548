// Tokens that files beside a tokenizer list, and where they contradict it.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("KnownTokens")
struct KnownTokensTests {
  /// BERT's form with five roles and two words.
  private static let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n"

  private static func load(_ files: [String: String]) throws -> any Tokenizer {
    let directory = try TemporaryDirectory()
    for (name, text) in files.merging(["vocab.txt": vocabulary], uniquingKeysWith: { a, _ in a }) {
      try directory.write(text, to: name)
    }
    return try #require(try TokenizerLoader.load(beside: directory.path))
  }

  private static func decoder(_ entries: String) -> String {
    "{\"added_tokens_decoder\": {\(entries)}}"
  }

  @Test("a listed token has one id, and the flags that the list gives it")
  func listed() throws {
    let tokenizer = try Self.load([
      "tokenizer_config.json": Self.decoder(
        #""7": {"content": "<x>", "lstrip": true, "special": true}"#
          + #", "5": {"content": "a", "special": false}"#)
    ])
    #expect(tokenizer.encode("b <x> a") == [6, 7, 5])
    #expect(tokenizer.decode([6, 7, 5]) == "b a")
    #expect(tokenizer.vocabularySize == 8)
  }

  @Test("tokens that are only named get the next ids, those with a role first")
  func named() throws {
    let tokenizer = try Self.load([
      "special_tokens_map.json":
        #"{"additional_special_tokens": ["<y>", "<x>"], "bos_token": "<s>", "pad_token": "[PAD]"}"#
    ])
    #expect(tokenizer.encode("<x><y><s>[PAD]") == [9, 8, 7, 0])
    #expect(tokenizer.special.bos == 7)
  }

  @Test("an old list of tokens is looked for in the normalised text")
  func older() throws {
    let tokenizer = try Self.load(["added_tokens.json": #"{"<X>": 7}"#])
    #expect(tokenizer.encode("<x>a<X>") == [7, 5, 7])
  }

  /// Files that contradict each other, and words that the error must have.
  struct Contradiction: Sendable, CustomTestStringConvertible {
    let files: [String: String]
    let words: [String]
    var testDescription: String { files.keys.sorted().joined(separator: " ") }
  }

  @Test(
    "two files that contradict each other are both named",
    arguments: [
      Contradiction(
        files: ["added_tokens.json": #"{"a": 7}"#],
        words: ["added_tokens.json: token 'a'", "the id 5", "vocab.txt", "found 7"]),
      Contradiction(
        files: ["added_tokens.json": #"{"<x>": 6}"#],
        words: ["added_tokens.json: token '<x>'", "vocab.txt is that of 'b'"]),
      Contradiction(
        files: ["added_tokens.json": #"{"<x>": 9}"#],
        words: ["token '<x>'", "expected the next free id, 7, found 9"]),
      Contradiction(
        files: [
          "added_tokens.json": #"{"<x>": 8}"#,
          "tokenizer_config.json": decoder(#""7": {"content": "<x>"}"#),
        ], words: ["added_tokens.json", "the id 7 that", "tokenizer_config.json gives, found 8"]),
      Contradiction(
        files: ["tokenizer_config.json": decoder(#""7": {}"#)],
        words: ["key 'added_tokens_decoder'", "with a content"]),
      Contradiction(
        files: ["tokenizer_config.json": decoder(#""-1": "<x>""#)],
        words: ["expected ids from 0"]),
      Contradiction(
        files: ["added_tokens.json": #"{"<x>": "7"}"#], words: ["token '<x>'", "expected a text"]),
      Contradiction(
        files: ["tokenizer_config.json": #"{"split_special_tokens": true}"#],
        words: ["key 'split_special_tokens'"]),
    ])
  func contradictions(_ contradiction: Contradiction) throws {
    let error = #expect(throws: FormatError.self) { try Self.load(contradiction.files) }
    for word in contradiction.words {
      #expect("\(error.map(\.description) ?? "")".contains(word))
    }
  }
}
