// The fixture models' tokenizers against ids that Hugging Face and SentencePiece gave.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("Tokenizers of the fixture models")
struct TokenizerGoldenTests {
  /// Texts with the ids of one model's tokenizer.
  private static func cases(_ model: String) throws -> [(text: String, ids: [Int32])] {
    let json = try JSONValue(parsing: readBytes(at: Fixtures.path("golden/tokenizers.json")))
    return try #require(json.array).map { entry in
      let ids = try #require(entry[model]?.array).compactMap(\.integer).map(Int32.init)
      return (try #require(entry["text"]?.string), ids)
    }
  }

  @Test(
    "Every golden text has its ids, whichever of a tokenizer's files is read",
    arguments: [
      ("gpt2", ["tokenizer.json"]), ("gpt2", ["vocab.json", "merges.txt"]),
      ("bert", ["tokenizer.json"]), ("bert", ["vocab.txt", "tokenizer_config.json"]),
      ("llama", ["tokenizer.model"]),
    ])
  func golden(model: String, files: [String]) throws {
    let directory = try TemporaryDirectory()
    for file in files {
      try directory.write(readBytes(at: Fixtures.path("models/\(model)/\(file)")), to: file)
    }
    let tokenizer = try #require(try TokenizerLoader.load(beside: directory.path))
    let cases = try Self.cases(model)
    #expect(cases.count > 40)
    for (text, ids) in cases {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      // A special token decodes to nothing, and SentencePiece takes U+2581 for a space.
      if model != "bert", !text.contains("<|endoftext|>"), !text.contains("\u{2581}") {
        #expect(tokenizer.decode(ids) == text)
      }
    }
  }

  @Test("What goes around a text is the post-processor's")
  func frames() throws {
    let gpt2 = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/gpt2")))
    #expect(gpt2.encodeForModel("a") == gpt2.encode("a"))
    let bert = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/bert")))
    let (cls, sep) = (try #require(bert.special.cls), try #require(bert.special.sep))
    #expect(bert.encodeForModel("a") == [cls] + bert.encode("a") + [sep])
    let llama = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/llama")))
    #expect(llama.encodeForModel("a") == [try #require(llama.special.bos)] + llama.encode("a"))
  }
}
