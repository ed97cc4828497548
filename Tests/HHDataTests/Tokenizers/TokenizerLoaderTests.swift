// Files that are missing, damaged or of a kind not handled.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("TokenizerLoader")
struct TokenizerLoaderTests {
  /// A small byte-level tokenizer.json with some of its parts replaced.
  private static func json(
    model: String = #"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}"#,
    preTokenizer: String = #"{"type":"ByteLevel","add_prefix_space":false}"#,
    normalizer: String = "null", postProcessor: String = "null", added: String = "[]"
  ) -> String {
    """
    {"added_tokens":\(added),"normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),
    "post_processor":\(postProcessor),"model":\(model)}
    """
  }

  private static func load(_ files: [String: String]) throws -> (any Tokenizer)? {
    let directory = try TemporaryDirectory()
    for (name, text) in files { try directory.write(text, to: name) }
    return try TokenizerLoader.load(beside: directory.path)
  }

  @Test("A folder without tokenizer files has no tokenizer")
  func nothing() throws {
    #expect(try Self.load(["config.json": "{}"]) == nil)
    #expect(try TokenizerLoader.load(beside: "/no/such/folder") == nil)
  }

  @Test("Merges may be texts or pairs, the model's type may be left out")
  func merges() throws {
    let texts = try #require(try Self.load(["tokenizer.json": Self.json()]))
    #expect(texts.encode("ab") == [2])
    let pairs = Self.json(model: #"{"vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}"#)
    let tokenizer = try #require(try Self.load(["tokenizer.json": pairs]))
    #expect(tokenizer.encode("abba") == [2, 1, 0])
    #expect(tokenizer.vocabularySize == 3)
  }

  @Test("A whole piece is taken without merging where the model says so")
  func ignoredMerges() throws {
    let model = #"{"type":"BPE","ignore_merges":true,"vocab":{"a":0,"b":1,"aba":2},"merges":[]}"#
    let tokenizer = try #require(try Self.load(["tokenizer.json": Self.json(model: model)]))
    #expect(tokenizer.encode("aba") == [2])
    #expect(tokenizer.encode("abab") == [0, 1, 0, 1])
  }

  @Test("Added tokens are cut out, with the white space they claim")
  func addedTokens() throws {
    let added = """
      [{"id":7,"content":"<s>","special":true},{"id":8,"content":"<m>","lstrip":true,
      "rstrip":true,"special":false},{"id":9,"content":"a!","single_word":true}]
      """
    let tokenizer = try #require(try Self.load(["tokenizer.json": Self.json(added: added)]))
    #expect(tokenizer.encode("<s>ab<s>") == [7, 2, 7])
    #expect(tokenizer.encode("a \n<m>\t b") == [0, 8, 1])
    #expect(tokenizer.encode("a! ba!") == [9, 1, 0])
    #expect(tokenizer.decode([7, 2, 8]) == "ab<m>")
    #expect(tokenizer.vocabularySize == 10)
  }

  @Test("A template goes around a text")
  func template() throws {
    let processor = """
      {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing","single":
      [{"SpecialToken":{"id":"b","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
      {"SpecialToken":{"id":"x","type_id":0}}],"special_tokens":{"x":{"id":"x","ids":[5,6]}}}]}
      """
    let json = Self.json(postProcessor: processor)
    let tokenizer = try #require(try Self.load(["tokenizer.json": json]))
    #expect(tokenizer.encodeForModel("a") == [1, 0, 5, 6])
  }

  /// A file that must be refused, and words its error must have.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let files: [String: String]
    let kind: FormatError.Kind
    let words: [String]
    var testDescription: String { name }
  }

  static let refusals = [
    Refusal(
      name: "unigram model", files: ["tokenizer.json": json(model: #"{"type":"Unigram"}"#)],
      kind: .unsupported, words: ["tokenizer.json", "model", "'Unigram'"]),
    Refusal(
      name: "unknown pattern",
      files: [
        "tokenizer.json": json(
          preTokenizer: """
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\\\w+"},
            "behavior":"Isolated"},{"type":"ByteLevel","use_regex":false}]}
            """)
      ], kind: .unsupported, words: ["pre_tokenizer.Split.pattern", #"'\w+'"#]),
    Refusal(
      name: "unknown pre-tokenizer",
      files: ["tokenizer.json": json(preTokenizer: #"{"type":"Whitespace"}"#)],
      kind: .unsupported, words: ["pre_tokenizer", "'Whitespace'"]),
    Refusal(
      name: "unknown normalizer",
      files: ["tokenizer.json": json(normalizer: #"{"type":"Lowercase"}"#)],
      kind: .unsupported, words: ["normalizer", "'Lowercase'"]),
    Refusal(
      name: "unknown post-processor",
      files: ["tokenizer.json": json(postProcessor: #"{"type":"Other"}"#)],
      kind: .unsupported, words: ["post_processor", "'Other'"]),
    Refusal(
      name: "merge of a missing entry",
      files: [
        "tokenizer.json": json(model: #"{"vocab":{"a":0,"b":1},"merges":["a b"]}"#)
      ], kind: .badData, words: ["merge 1", "'ab'"]),
    Refusal(
      name: "merge of three",
      files: ["tokenizer.json": json(model: #"{"merges":["a b c"],"vocab":{}}"#)],
      kind: .badData, words: ["merge 1"]),
    Refusal(
      name: "id out of range",
      files: ["tokenizer.json": json(model: #"{"vocab":{"a":99999999999},"merges":[]}"#)],
      kind: .badData, words: ["entry 'a'", "99999999999"]),
    Refusal(
      name: "one id twice",
      files: ["tokenizer.json": json(model: #"{"vocab":{"a":0,"b":0},"merges":[]}"#)],
      kind: .badData, words: ["entry 'b'", "id 0"]),
    Refusal(
      name: "no model", files: ["tokenizer.json": "{}"], kind: .badData, words: ["key 'model'"]),
    Refusal(
      name: "not JSON", files: ["tokenizer.json": "{"], kind: .badData, words: ["tokenizer.json"]),
    Refusal(
      name: "vocabulary without merges", files: ["vocab.json": #"{"a":0}"#],
      kind: .missingInput, words: ["merges.txt"]),
    Refusal(
      name: "bad line of merges",
      files: ["encoder.json": #"{"a":0}"#, "vocab.bpe": "#version\na\n"],
      kind: .badData, words: ["vocab.bpe", "line 2", "'a'"]),
    Refusal(
      name: "class other than GPT-2's",
      files: [
        "vocab.json": #"{"a":0}"#, "merges.txt": "",
        "tokenizer_config.json": #"{"tokenizer_class":"CLIPTokenizer"}"#,
      ], kind: .unsupported, words: ["'CLIPTokenizer'"]),
    Refusal(
      name: "repeated line", files: ["vocab.txt": "[UNK]\na\na\n"], kind: .badData,
      words: ["vocab.txt", "line 3", "'a'"]),
    Refusal(
      name: "no unknown token", files: ["vocab.txt": "a\n"], kind: .badData, words: ["'[UNK]'"]),
  ]

  @Test("What is damaged or not handled is refused by name", arguments: refusals)
  func refused(_ refusal: Refusal) throws {
    let error = #expect(throws: FormatError.self) { try Self.load(refusal.files) }
    #expect(error?.kind == refusal.kind)
    for word in refusal.words { #expect("\(error.map(\.description) ?? "")".contains(word)) }
  }
}
