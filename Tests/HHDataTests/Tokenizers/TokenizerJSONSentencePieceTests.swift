// The SentencePiece form of tokenizer.json: marks for spaces, bytes, and what leaves the form.

import HHFormat
import Testing

@testable import HHData

@Suite("TokenizerJSON, SentencePiece")
struct TokenizerJSONSentencePieceTests {
  private static let mark = "\u{2581}"
  private static let model =
    #""fuse_unk":true,"unk_token":"?","vocab":{"?":0,"a":1,"\#(mark)":2,"\#(mark)a":3},"#
    + #""merges":["\#(mark) a"]"#

  private func tokenizer(
    normalizer: String = "null", preTokenizer: String = "null", model: String = model
  ) throws -> any Tokenizer {
    let file = try TokenizerJSONTests.read(
      """
      "normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),"model":{"type":"BPE",\(model)}
      """)
    return try file.sentencePieceBPE(try #require(file.root["model"]), file.steps("pre_tokenizer"))
  }

  private func metaspace(_ options: String) -> String {
    #"{"type":"Metaspace","replacement":"\#(Self.mark)"\#(options)}"#
  }

  @Test("a mark goes before a text as the scheme says, in its old spelling too")
  func scheme() throws {
    func ids(_ options: String) throws -> [Int32] {
      try tokenizer(preTokenizer: metaspace(options)).encode("a a")
    }
    #expect(try ids("") == [3, 3])
    #expect(try ids(#","prepend_scheme":"always""#) == [3, 3])
    #expect(try ids(#","prepend_scheme":"never""#) == [1, 3])
    #expect(try ids(#","add_prefix_space":false"#) == [1, 3])
    let other = #expect(throws: FormatError.self) { try ids(#","prepend_scheme":"last""#) }
    #expect(other?.kind == .unsupported && other?.place == "pre_tokenizer.prepend_scheme")
  }

  @Test("normalisers may do the same, and must do both")
  func normalizers() throws {
    let replace = #"{"type":"Replace","pattern":{"String":" "},"content":"\#(Self.mark)"}"#
    let prepend = #"{"type":"Prepend","prepend":"\#(Self.mark)"}"#
    let both = #"{"type":"Sequence","normalizers":[\#(prepend),\#(replace)]}"#
    #expect(try tokenizer(normalizer: both).encode("a a") == [3, 3])
    #expect(try tokenizer(normalizer: replace).encode("a a") == [1, 3])
    let error = #expect(throws: FormatError.self) { try tokenizer(normalizer: prepend) }
    #expect(error?.kind == .unsupported && error?.place == "pre_tokenizer")
  }

  @Test("unknown characters are bytes where all bytes are entries, else the unknown token")
  func unknown() throws {
    let step = metaspace(#","prepend_scheme":"never""#)
    #expect(try tokenizer(preTokenizer: step).encode("éa") == [0, 1])
    let bytes = (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return "\"<0x\(byte < 16 ? "0" : "")\(digits)>\":\(byte + 1)"
    }
    let model =
      #""byte_fallback":true,"unk_token":"?","vocab":{"?":0,"a":300,\#(bytes.joined(separator: ","))}"#
    let full = try tokenizer(preTokenizer: step, model: model)
    #expect(full.encode("éa") == [0xC4, 0xAA, 300] && full.decode([0xC4, 0xAA]) == "é")
  }

  @Test("what other forms have is none of this one")
  func refused() throws {
    let step = metaspace("")
    let vocabulary = #""vocab":{"a":0},"merges":[]"#
    for (model, place) in [
      (#""ignore_merges":true,"# + vocabulary, "model.ignore_merges"),
      (vocabulary, "model.fuse_unk"),
      (#""fuse_unk":true,"dropout":0.1,"# + vocabulary, "model.dropout"),
    ] {
      let error = try #require(throws: FormatError.self) {
        try tokenizer(preTokenizer: step, model: model)
      }
      #expect(error.kind == .unsupported && error.place == place)
    }
    let none = #expect(throws: FormatError.self) { try tokenizer() }
    #expect(none?.place == "pre_tokenizer")
    let digits = #expect(throws: FormatError.self) {
      try tokenizer(preTokenizer: #"{"type":"Digits"}"#)
    }
    #expect(digits?.place == "pre_tokenizer")
  }
}
