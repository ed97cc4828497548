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

  /// Lists of entries as editors leave them, and ids of two texts that transformers gives.
  static let vocabularies: [(text: String, ids: [Int32], size: Int)] = [
    ("[PAD]\n[UNK]\na\nb\n##c\n", [2, 3, 2, 4], 5), ("[PAD]\n[UNK]\na\nb\n##c", [2, 3, 2, 4], 5),
    ("[PAD]\r\n[UNK]\r\na\r\nb\r\n##c\r\n", [2, 3, 2, 4], 5),
    ("\u{FEFF}[PAD]\n[UNK]\na\nb\n##c\n", [2, 3, 2, 4], 5),
    ("[PAD]\n[UNK]\na\nb\na\n##c\n", [4, 3, 4, 5], 6),
    ("[PAD]\n[UNK]\na\n\n\nb\n##c\n\n", [2, 5, 2, 6], 8),
  ]

  @Test(
    "a list of entries keeps its line numbers, and of a repeated line the last",
    arguments: vocabularies)
  func lists(text: String, ids: [Int32], size: Int) throws {
    let tokenizer = try #require(try Self.load(["vocab.txt": text]))
    #expect(tokenizer.encode("a b ac") == ids)
    #expect(tokenizer.vocabularySize == size)
    #expect(tokenizer.special.padding == 0)
  }

  @Test("BERT's classes take the settings' word, others the file's own")
  func settings() throws {
    let json = """
      {"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"A":2,"\u{C9}":3}},
      "normalizer":{"type":"BertNormalizer","lowercase":false},
      "pre_tokenizer":{"type":"BertPreTokenizer"}}
      """
    func ids(_ settings: String) throws -> [Int32] {
      try #require(
        try Self.load(["tokenizer.json": json, "tokenizer_config.json": settings])
      ).encode("A \u{C9}")
    }
    #expect(try ids("{}") == [1, 0])
    #expect(try ids(#"{"do_lower_case":false}"#) == [2, 3])
    #expect(try ids(#"{"do_lower_case":false,"strip_accents":true}"#) == [2, 0])
    #expect(
      try ids(#"{"tokenizer_class":"PreTrainedTokenizerFast","do_lower_case":true}"#) == [2, 3])
    for name in ["Electra", "LayoutLM", "MPNet", "Lxmert", "Funnel", "MobileBert"] {
      let settings = #"{"tokenizer_class":"\#(name)TokenizerFast","do_lower_case":false}"#
      #expect(try ids(settings) == [2, 3], "\(name)")
    }
  }

  @Test("Llama's classes frame a text as the settings say")
  func llamaFrame() throws {
    let processor = """
      {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"b","type_id":0}},
      {"Sequence":{"id":"A","type_id":0}}],"special_tokens":{}}
      """
    func frame(_ settings: String) throws -> TokenFrame {
      try #require(
        try Self.load([
          "tokenizer.json": Self.json(postProcessor: processor), "tokenizer_config.json": settings,
        ])
      ).frame
    }
    let roles = #""bos_token":"b","eos_token":"a""#
    #expect(try frame("{\(roles)}") == TokenFrame(prefix: [1]))
    #expect(
      try frame(#"{"tokenizer_class":"LlamaTokenizer","add_eos_token":true,"# + roles + "}")
        == TokenFrame(prefix: [1], suffix: [0]))
    #expect(
      try frame(#"{"tokenizer_class":"LlamaTokenizerFast","add_bos_token":false,"# + roles + "}")
        == TokenFrame())
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
      name: "unknown model", files: ["tokenizer.json": json(model: #"{"type":"Other"}"#)],
      kind: .unsupported, words: ["tokenizer.json", "model", "'Other'"]),
    Refusal(
      name: "unigram model without entries",
      files: ["tokenizer.json": json(model: #"{"type":"Unigram"}"#)],
      kind: .badData, words: ["the vocabulary", "found 0"]),
    Refusal(
      name: "unigram model without a score",
      files: ["tokenizer.json": json(model: #"{"type":"Unigram","vocab":[["a"]],"unk_id":0}"#)],
      kind: .badData, words: ["entry 0", "expected a text and its score"]),
    Refusal(
      name: "unigram model of one entry twice",
      files: [
        "tokenizer.json": json(
          model: #"{"type":"Unigram","vocab":[["a",0],["a",1]],"unk_id":0}"#)
      ], kind: .badData, words: ["entry 1", "'a' occurs twice"]),
    Refusal(
      name: "unigram model without an unknown entry",
      files: [
        "tokenizer.json": json(model: #"{"type":"Unigram","vocab":[["a",0]],"unk_id":1}"#)
      ], kind: .badData, words: ["key 'unk_id'", "expected an id below 1, found 1"]),
    Refusal(
      name: "words without one for the unknown",
      files: ["tokenizer.json": json(model: #"{"type":"WordLevel","vocab":{"a":0}}"#)],
      kind: .badData, words: ["key 'unk_token'"]),
    Refusal(
      name: "merges by chance",
      files: [
        "tokenizer.json": json(model: #"{"vocab":{"a":0},"merges":[],"dropout":0.1}"#)
      ], kind: .unsupported, words: ["model.dropout", "0.1"]),
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
      files: ["tokenizer.json": json(preTokenizer: #"{"type":"UnicodeScripts"}"#)],
      kind: .unsupported, words: ["pre_tokenizer", "'UnicodeScripts'"]),
    Refusal(
      name: "unknown behaviour",
      files: [
        "tokenizer.json": json(
          preTokenizer: #"{"type":"Split","pattern":{"String":"a"},"behavior":"Other"}"#)
      ], kind: .unsupported, words: ["pre_tokenizer.Split.behavior", "'Other'"]),
    Refusal(
      name: "unknown normalizer",
      files: ["tokenizer.json": json(normalizer: #"{"type":"Other"}"#)],
      kind: .unsupported, words: ["normalizer", "'Other'"]),
    Refusal(
      name: "unknown expression",
      files: [
        "tokenizer.json": json(
          normalizer: #"{"type":"Replace","pattern":{"Regex":"(a+)+b"},"content":""}"#)
      ], kind: .unsupported, words: ["normalizer.Replace.pattern", "'(a+)+b'"]),
    Refusal(
      name: "broken map of characters",
      files: [
        "tokenizer.json": json(
          normalizer: #"{"type":"Precompiled","precompiled_charsmap":"AAAA"}"#)
      ], kind: .badData, words: ["normalizer.Precompiled"]),
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
      name: "no unknown token", files: ["vocab.txt": "a\n"], kind: .badData, words: ["'[UNK]'"]),
  ]

  @Test("What is damaged or not handled is refused by name", arguments: refusals)
  func refused(_ refusal: Refusal) throws {
    let error = #expect(throws: FormatError.self) { try Self.load(refusal.files) }
    #expect(error?.kind == refusal.kind)
    for word in refusal.words { #expect("\(error.map(\.description) ?? "")".contains(word)) }
  }
}
