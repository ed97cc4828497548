// The tokenizers against other implementations' ids.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData

@Suite("Tokenizers against references", .needsSharedFolder)
struct TokenizerReferenceTests {
  private static func check(_ tokenizer: any Tokenizer, _ name: String) throws {
    let cases = try TokenizerVectors.cases(name)
    #expect(cases.count == 47)
    for (text, ids) in cases {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
    }
  }

  private static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: readBytes(at: SharedFolder.path(name)))
  }

  private static func tokenizer(_ directory: String) throws -> any Tokenizer {
    try #require(try TokenizerLoader.load(beside: SharedFolder.path(directory)))
  }

  @Test("GPT-2's files give llama.cpp's ids for all 47 strings, and decode to them")
  func gpt2() throws {
    let tokenizer = try Self.tokenizer("tokenizers/gpt2")
    #expect(tokenizer.vocabularySize == 50257)
    #expect(tokenizer.special.eos == 50256)
    try Self.check(tokenizer, "gpt-2")
    for (text, ids) in try TokenizerVectors.cases("gpt-2") {
      #expect(tokenizer.decode(ids) == text)
    }
  }

  @Test("Llama-2's SentencePiece model gives llama.cpp's ids for all 47 strings")
  func llamaSPM() throws {
    let tokenizer = try Self.tokenizer("tokenizers/llama2")
    #expect(tokenizer.vocabularySize == 32000)
    #expect(tokenizer.encodeForModel("Hello").first == 1)
    try Self.check(tokenizer, "llama-spm")
    for (text, ids) in try TokenizerVectors.cases("llama-spm") {
      #expect(tokenizer.decode(ids) == text)
    }
  }

  @Test("BERT's vocabulary gives llama.cpp's ids for all 47 strings")
  func bert() throws {
    try Self.check(Self.tokenizer("models/bert-minilm-l6"), "bert-bge")
  }

  @Test(
    "the tokenizers inside GGUF files give llama.cpp's ids for all 47 strings",
    arguments: ["gpt-2", "llama-spm", "bert-bge", "starcoder", "phi-3"])
  func gguf(_ name: String) throws {
    let path = SharedFolder.path("tokenizers/ggml-vocab/ggml-vocab-\(name).gguf")
    try Self.check(try #require(try TokenizerLoader.load(from: GGUFFile(at: path))), name)
  }

  @Test("BERT tokenises 10,570 questions as the reference does")
  func bertQuestions() throws {
    let tokenizer = try #require(try Self.tokenizer("models/bert-minilm-l6") as? WordPiece)
    let folder = "tokenizers/swift-transformers"
    let questions = try #require(try Self.json("\(folder)/question_tokens.json").array)
    let ids = try #require(try Self.json("\(folder)/tokenized_questions.json").array)
    let words = try #require(
      try Self.json("\(folder)/basic_tokenized_questions.json").array)
    #expect(questions.count == 10_570 && ids.count == 10_570 && words.count == 10_570)
    var differing: [String] = []
    for (question, (ids, words)) in zip(questions, zip(ids, words)) {
      let text = try #require(question["original"]?.string)
      let expectedIDs = try #require(ids.array).compactMap(\.integer).map(Int32.init)
      let expectedWords = try #require(words.array).compactMap(\.string)
      if tokenizer.encode(text) != expectedIDs || tokenizer.words(of: text) != expectedWords {
        differing.append(text)
      }
    }
    #expect(differing.isEmpty, "\(differing.count) differ: \(differing.prefix(3))")
  }

  @Test(
    "A longer text has the reference's ids and decodes back",
    arguments: [
      ("tokenizers/gpt2", "gpt2_encoded_tokens"), ("tokenizers/llama2", "llama_encoded"),
      ("models/bert-minilm-l6", "bert_uncased_encoded"),
    ])
  func longText(directory: String, name: String) throws {
    let tokenizer = try Self.tokenizer(directory)
    let reference = try Self.json("tokenizers/swift-transformers/\(name).json")
    let text = try #require(reference["text"]?.string)
    let ids = try #require(reference["token_ids"]?.array).compactMap(\.integer).map(Int32.init)
    #expect(tokenizer.encodeForModel(text) == ids)
    if name != "bert_uncased_encoded" { #expect(tokenizer.decode(ids) == text) }
  }

  @Test("Ids of a model's own greedy text decode to that text")
  func storiesDecode() throws {
    let tokenizer = try Self.tokenizer("models/llama-stories260k")
    let json = try Self.json("models/llama-stories260k/greedy_ids_201.json")
    let ids = try #require(json.array).compactMap(\.integer).map(Int32.init)
    let text = try readText(at: SharedFolder.path("models/llama-stories260k/greedy_text.txt"))
    #expect(tokenizer.decode(ids) == text)
  }

  @Test("A model's directory without a tokenizer gives none")
  func none() throws {
    #expect(try TokenizerLoader.load(beside: SharedFolder.path("models/gpt2-nano-sort")) == nil)
  }
}
