// tokenizer.json: its added tokens, the form that its model has, and what goes around a text.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("TokenizerJSON")
struct TokenizerJSONTests {
  /// Reads a file of these members.
  static func read(_ members: String, settings: String? = nil) throws -> TokenizerJSON {
    let directory = try TemporaryDirectory()
    try directory.write("{\(members)}", to: "tokenizer.json")
    if let settings { try directory.write(settings, to: "tokenizer_config.json") }
    let files = ModelFiles(in: directory.path)
    return try TokenizerJSON(files, "tokenizer.json", settings: TokenizerSettings(files))
  }

  /// The error of a file that is refused, from its members on.
  static func refusal(_ members: String) throws -> FormatError {
    try #require(throws: FormatError.self) { _ = try read(members).tokenizer() }
  }

  @Test("added tokens have the flags that the file gives them, and none that it does not")
  func added() throws {
    let file = try Self.read(
      """
      "added_tokens": [{"id": 3, "content": "<a>"}, {"id": 4, "content": "<b>", "special": true,
      "normalized": true, "lstrip": true, "rstrip": true, "single_word": true}]
      """)
    #expect(
      file.added == [
        AddedToken(id: 3, content: "<a>", isSpecial: false),
        AddedToken(
          id: 4, content: "<b>", isSpecial: true, isNormalized: true, stripsLeft: true,
          stripsRight: true, isSingleWord: true),
      ])
  }

  @Test(
    "an added token needs a content and an id",
    arguments: [#"{"id":1}"#, #"{"content":"a"}"#, #"{"id":-1,"content":"a"}"#, "1"])
  func malformedAdded(_ entry: String) throws {
    let error = try Self.refusal(#""added_tokens":[{"id":0,"content":"x"},\#(entry)]"#)
    #expect(error.kind == .badData && error.place == "added token 2")
  }

  @Test("sequences are laid flat, however deep, and a missing component has no steps")
  func steps() throws {
    let file = try Self.read(
      """
      "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Sequence",
      "normalizers": [{"type": "Lowercase"}]}, {"type": "Strip"}]}, "pre_tokenizer": null,
      "decoder": {"type": "Fuse"}
      """)
    #expect(file.steps("normalizer").map(file.type(of:)) == ["NFC", "Lowercase", "Strip"])
    #expect(file.steps("decoder").map(file.type(of:)) == ["Fuse"])
    #expect(file.steps("pre_tokenizer").isEmpty && file.steps("post_processor").isEmpty)
  }

  @Test("the usual forms are read as such, and other files by their components")
  func forms() throws {
    func kind(_ members: String) throws -> Any.Type { type(of: try Self.read(members).tokenizer()) }
    let bytes = #""pre_tokenizer":{"type":"ByteLevel"},"model":{"vocab":{"a":0},"merges":[]}"#
    #expect(try kind(bytes) == ByteLevelBPE.self)
    let mark = #""pre_tokenizer":{"type":"Metaspace","replacement":"\#u{2581}"},"#
    let bpe = #""model":{"type":"BPE","fuse_unk":true,"vocab":{"a":0},"merges":[]}"#
    #expect(try kind(mark + bpe) == SentencePieceBPE.self)
    let words =
      #""normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},"#
    let pieces = #""model":{"type":"WordPiece","unk_token":"a","vocab":{"a":0}}"#
    #expect(try kind(words + pieces) == WordPiece.self)
    #expect(
      try kind(#""pre_tokenizer":{"type":"Whitespace"},"# + pieces) == ComponentTokenizer.self)
  }

  @Test("a file needs a model of a known type")
  func model() throws {
    #expect(try Self.refusal("").place == "key 'model'")
    #expect(try Self.refusal(#""model":[]"#).place == "key 'model'")
    let error = try Self.refusal(#""model":{"type":"Other"}"#)
    #expect(error.kind == .unsupported && error.problem == "'Other' is not supported")
  }

  @Test("merges are texts or pairs")
  func merges() throws {
    let file = try Self.read(#""model":{"merges":["a b",["c d","e"]]}"#)
    let merges = try file.merges(of: try #require(file.root["model"]))
    #expect(merges.map(\.left) == ["a", "c d"] && merges.map(\.right) == ["b", "e"])
    for bad in ["\"ab\"", "[\"a\"]", "[\"a\",1]", "3"] {
      let file = try Self.read(#""model":{"merges":["a b",\#(bad)]}"#)
      let error = #expect(throws: FormatError.self) {
        try file.merges(of: try #require(file.root["model"]))
      }
      #expect(error?.place == "merge 2", "\(bad)")
    }
  }

  private static let model = #""model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0,"b":1}}"#

  @Test(
    "a post-processor gives the frame",
    arguments: [
      (#"{"type":"BertProcessing","cls":["a",4],"sep":["b",5]}"#, [4], [5]),
      (#"{"type":"RobertaProcessing","cls":["a",6],"sep":["b",7]}"#, [6], [7]),
      (#"{"type":"ByteLevel"}"#, [], []),
      (
        #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"b"}},"#
          + #"{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"a"}}]}"#, [1], [0]
      ),
    ])
  func frame(_ processor: String, _ prefix: [Int32], _ suffix: [Int32]) throws {
    let file = try Self.read(#""post_processor":\#(processor),"# + Self.model)
    #expect(try file.tokenizer().frame == TokenFrame(prefix: prefix, suffix: suffix))
  }

  @Test(
    "a post-processor with a token that is none is refused",
    arguments: [
      (#"{"type":"BertProcessing","cls":["a"],"sep":["b",5]}"#, "expected a token and its id"),
      (#"{"type":"BertProcessing","cls":["a",-1],"sep":["b",5]}"#, "expected a token and its id"),
      (
        #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}]}"#,
        "token 'x' has no valid id"
      ),
    ])
  func malformedFrame(_ processor: String, _ problem: String) throws {
    let error = try Self.refusal(#""post_processor":\#(processor),"# + Self.model)
    #expect(error.kind == .badData && error.place == "post_processor" && error.problem == problem)
  }
}
