// Tokenizers of components as tokenizer.json lists them: each model, each step, and their refusals.

import HHFormat
import Testing

@testable import HHData

@Suite("TokenizerJSON, components")
struct TokenizerJSONComponentsTests {
  private static let words = #"{"type":"WordLevel","unk_token":"?","vocab":{"?":0,"a":1,"b":2}}"#

  private func tokenizer(
    _ model: String = words, normalizer: String = "null", preTokenizer: String = "null",
    decoder: String = "null"
  ) throws -> any Tokenizer {
    let file = try TokenizerJSONTests.read(
      """
      "normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),"decoder":\(decoder),
      "model":\(model)
      """)
    let model = try #require(file.root["model"])
    return try file.components(model, try #require(model["type"]?.string))
  }

  @Test("each model splits a piece in its own way")
  func models() throws {
    #expect(try tokenizer().encode("a") == [1])
    let bpe = #"{"type":"BPE","unk_token":"?","vocab":{"?":0,"a":1,"ab":2,"b":3},"merges":["a b"]}"#
    #expect(try tokenizer(bpe).encode("abxxa") == [2, 0, 0, 1])
    let fused = bpe.replacing(#""BPE","#, with: #""BPE","fuse_unk":true,"#)
    #expect(try tokenizer(fused).encode("abxxa") == [2, 0, 1])
    let pieces = ###"{"type":"WordPiece","unk_token":"?","vocab":{"?":0,"a":1,"##b":2}}"###
    #expect(try tokenizer(pieces).encode("ab") == [1, 2])
    let unigram =
      #"{"type":"Unigram","unk_id":0,"vocab":[["?",-9],["a",-1],["b",-1],["ab",-1.5]]}"#
    #expect(try tokenizer(unigram).encode("abx") == [3, 0])
    #expect(try tokenizer(unigram).special.unknown == 0)
  }

  @Test(
    "normalisers change a text before it is looked up",
    arguments: [
      (#"{"type":"Lowercase"}"#, "A", [1]), (#"{"type":"Strip"}"#, " a ", [1]),
      (#"{"type":"Strip","strip_right":false}"#, " a ", [0]),
      (#"{"type":"Replace","pattern":{"String":"x"},"content":"a"}"#, "x", [1]),
      (#"{"type":"Prepend","prepend":"a"}"#, "", []),
      (#"{"type":"Prepend","prepend":"?"}"#, "", []),
      (#"{"type":"StripAccents"}"#, "a\u{301}", [1]), (#"{"type":"NFKC"}"#, "\u{FF41}", [1]),
      (#"{"type":"BertNormalizer"}"#, "Á", [1]),
    ] as [(String, String, [Int32])])
  func normalizers(_ step: String, _ text: String, _ ids: [Int32]) throws {
    #expect(try tokenizer(normalizer: step).encode(text) == ids)
  }

  @Test(
    "pre-tokenizers cut a text",
    arguments: [
      (#"{"type":"WhitespaceSplit"}"#, "a b", [1, 2]),
      (#"{"type":"Whitespace"}"#, "a?b", [1, 0, 2]),
      (#"{"type":"BertPreTokenizer"}"#, "a b", [1, 2]),
      (#"{"type":"CharDelimiterSplit","delimiter":"-"}"#, "a-b", [1, 2]),
      (#"{"type":"Punctuation","behavior":"Removed"}"#, "a,b", [1, 2]),
      (#"{"type":"Punctuation"}"#, "a,b", [1, 0, 2]),
      (#"{"type":"Split","pattern":{"String":"-"},"behavior":"Removed"}"#, "a-b", [1, 2]),
      (#"{"type":"Split","pattern":{"String":"a"},"behavior":"Removed","invert":true}"#, "ab", [1]),
      (#"{"type":"Digits","individual_digits":true}"#, "a1b", [1, 0, 2]),
    ] as [(String, String, [Int32])])
  func preTokenizers(_ step: String, _ text: String, _ ids: [Int32]) throws {
    #expect(try tokenizer(preTokenizer: step).encode(text) == ids)
  }

  @Test(
    "decoders join tokens",
    arguments: [
      ("null", "a b"), (#"{"type":"Fuse"}"#, "ab"), (#"{"type":"WordPiece","prefix":"b"}"#, "a"),
      (#"{"type":"BPEDecoder","suffix":"a"}"#, " b"),
      (#"{"type":"Replace","pattern":{"String":"b"},"content":"c"}"#, "ac"),
      (#"{"type":"Strip","content":"a","start":1}"#, "b"),
    ])
  func decoders(_ step: String, _ text: String) throws {
    #expect(try tokenizer(decoder: step).decode([1, 2]) == text)
  }

  @Test(
    "a component that is not known is refused by name",
    arguments: [
      (#""normalizer":{"type":"X"}"#, "normalizer", "'X' is not supported"),
      (#""pre_tokenizer":{"type":"X"}"#, "pre_tokenizer", "'X' is not supported"),
      (#""decoder":{"type":"X"}"#, "decoder", "'X' is not supported"),
      (#""pre_tokenizer":{}"#, "pre_tokenizer", "'missing type' is not supported"),
      (
        #""pre_tokenizer":{"type":"Split","pattern":{"String":"a"}}"#,
        "pre_tokenizer.Split.behavior", "'missing' is not supported"
      ),
      (
        #""decoder":{"type":"Replace","pattern":{"Regex":"(a+)+"},"content":""}"#,
        "decoder.Replace.pattern", "'(a+)+' is not supported"
      ),
    ])
  func unknown(_ member: String, _ place: String, _ problem: String) throws {
    let error = try TokenizerJSONTests.refusal(#"\#(member),"model":"# + Self.words)
    #expect(error.kind == .unsupported && error.place == place && error.problem == problem)
  }

  @Test(
    "a step without its text is damaged",
    arguments: [
      (#""normalizer":{"type":"Prepend"}"#, "Prepend.prepend", "expected text, found none"),
      (
        #""pre_tokenizer":{"type":"CharDelimiterSplit","delimiter":1}"#,
        "CharDelimiterSplit.delimiter", "expected text, found 1"
      ),
    ])
  func damaged(_ member: String, _ place: String, _ problem: String) throws {
    let error = try TokenizerJSONTests.refusal(#"\#(member),"model":"# + Self.words)
    #expect(error.kind == .badData && error.place == place && error.problem == problem)
  }
}
