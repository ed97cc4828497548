// The byte-level BPE and WordPiece forms of tokenizer.json, and what leaves them.

import HHFormat
import Testing

@testable import HHData

@Suite("TokenizerJSON, byte-level BPE and WordPiece")
struct TokenizerJSONByteLevelTests {
  private static let model = #"{"vocab":{"a":0,"1":1,"Ġ":2,"é":3,"Ã":4,"©":5},"merges":[]}"#

  private func file(
    _ steps: String, normalizer: String = "null", model: String = model
  ) throws -> TokenizerJSON {
    try TokenizerJSONTests.read(
      """
      "pre_tokenizer":{"type":"Sequence","pretokenizers":[\(steps)]},"normalizer":\(normalizer),
      "model":\(model)
      """)
  }

  private func byteLevel(_ file: TokenizerJSON) throws -> any Tokenizer {
    try file.byteLevelBPE(try #require(file.root["model"]), file.steps("pre_tokenizer"))
  }

  @Test("a space goes before a text unless the file says otherwise")
  func prefix() throws {
    #expect(try byteLevel(file(#"{"type":"ByteLevel"}"#)).encode("a") == [2, 0])
    let plain = #"{"type":"ByteLevel","add_prefix_space":false}"#
    #expect(try byteLevel(file(plain)).encode("a") == [0])
  }

  @Test("NFC composes characters before they become bytes")
  func composes() throws {
    let step = #"{"type":"ByteLevel","add_prefix_space":false}"#
    let composing = try byteLevel(file(step, normalizer: #"{"type":"NFC"}"#))
    #expect(composing.encode("e\u{301}") == [4, 5])
  }

  @Test("single digits are cut apart where a step says so")
  func digits() throws {
    let steps = [
      #"{"type":"Digits","individual_digits":true}"#,
      #"{"type":"ByteLevel","add_prefix_space":false}"#,
    ].joined(separator: ",")
    let model = #"{"vocab":{"1":0,"11":1},"merges":["1 1"]}"#
    #expect(try byteLevel(file(steps, model: model)).encode("11") == [0, 0])
  }

  @Test(
    "other components are none of this form",
    arguments: [
      (#"{"type":"Whitespace"},{"type":"ByteLevel","add_prefix_space":false}"#, "pre_tokenizer"),
      (#"{"type":"ByteLevel"},{"type":"Digits","individual_digits":true}"#, "pre_tokenizer"),
      (#"{"type":"Digits","individual_digits":true},{"type":"ByteLevel"}"#, "pre_tokenizer"),
      (
        #"{"type":"Split","pattern":{"String":"a"},"behavior":"Isolated"},{"type":"ByteLevel"}"#,
        "pre_tokenizer.Split.pattern"
      ),
    ])
  func refused(_ steps: String, _ place: String) throws {
    let error = #expect(throws: FormatError.self) { try byteLevel(file(steps)) }
    #expect(error?.kind == .unsupported && error?.place == place)
  }

  @Test("what only BPE over characters can do is none of this form")
  func characterOptions() throws {
    for option in [
      ###""continuing_subword_prefix":"##""###, #""end_of_word_suffix":"</w>""#, #""dropout":0.5"#,
    ] {
      let model = #"{"vocab":{"a":0},"merges":[],\#(option)}"#
      let error = try #require(throws: FormatError.self) {
        try byteLevel(file(#"{"type":"ByteLevel"}"#, model: model))
      }
      #expect(error.kind == .unsupported && error.place.hasPrefix("model."))
    }
    let none = #"{"vocab":{"a":0},"merges":[],"continuing_subword_prefix":"","dropout":null}"#
    #expect(try byteLevel(file(#"{"type":"ByteLevel"}"#, model: none)).vocabularySize == 1)
  }

  private func wordPiece(
    _ normalizer: String, _ options: String = "", unknown: String = "?", settings: String? = nil
  ) throws -> any Tokenizer {
    let file = try TokenizerJSONTests.read(
      """
      "normalizer":\(normalizer),"pre_tokenizer":{"type":"BertPreTokenizer"},"model":
      {"type":"WordPiece","unk_token":"\(unknown)"\(options),"vocab":{"?":0,"a":1,"##b":2,"+b":3,
      "e":4,"\u{E9}":5}}
      """, settings: settings)
    return try file.wordPiece(try #require(file.root["model"]))
  }

  @Test("words are split with the file's prefix and up to the file's length")
  func wordPieceOptions() throws {
    let clean = #"{"type":"BertNormalizer"}"#
    #expect(try wordPiece(clean).encode("AB") == [1, 2])
    #expect(try wordPiece(clean, #","continuing_subword_prefix":"+""#).encode("ab") == [1, 3])
    #expect(try wordPiece(clean, #","max_input_chars_per_word":1"#).encode("ab a") == [0, 1])
  }

  @Test("accents go with the case, unless the file of another class than BERT's keeps them")
  func normalization() throws {
    let kept = #"{"type":"BertNormalizer","strip_accents":false}"#
    let other = #"{"tokenizer_class":"PreTrainedTokenizerFast"}"#
    #expect(try wordPiece(#"{"type":"BertNormalizer"}"#).encode("\u{C9}") == [4])
    #expect(try wordPiece(kept, settings: other).encode("\u{C9}") == [5])
    #expect(try wordPiece(kept).encode("\u{C9}") == [4])
  }

  @Test("another normaliser, and a vocabulary without the unknown token, are refused")
  func wordPieceRefused() throws {
    let other = #expect(throws: FormatError.self) { try wordPiece(#"{"type":"NFC"}"#) }
    #expect(other?.kind == .unsupported && other?.place == "normalizer")
    let missing = #expect(throws: FormatError.self) {
      try wordPiece(#"{"type":"BertNormalizer"}"#, unknown: "[UNK]")
    }
    #expect(missing?.kind == .badData && missing?.place == "key 'unk_token'")
  }
}
