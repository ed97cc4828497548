// Tokenizers inside GGUF files: the keys' meaning, and what is refused.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("TokenizerGGUF")
struct TokenizerGGUFTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func load(_ forge: GGUFForge) throws -> (any Tokenizer)? {
    let path = try directory.write(forge.bytes, to: "vocabulary.gguf")
    return try TokenizerLoader.load(from: GGUFFile(at: path))
  }

  private func strings(_ forge: GGUFForge, _ texts: [String]) -> [UInt8] {
    forge.array(.string, UInt64(texts.count), texts.flatMap { forge.string($0) })
  }

  private func vocabulary(
    _ model: String, _ tokens: [String], types: [Int32] = [], roles: [(String, UInt32)] = []
  ) -> GGUFForge {
    var forge = GGUFForge()
    forge.add("tokenizer.ggml.model", model)
    forge.add("tokenizer.ggml.tokens", .array, strings(forge, tokens))
    if !types.isEmpty {
      forge.add(
        "tokenizer.ggml.token_type", .array,
        forge.array(.int32, UInt64(types.count), types.flatMap { forge.integer($0) }))
    }
    for (role, id) in roles { forge.add("tokenizer.ggml.\(role)_token_id", id) }
    return forge
  }

  @Test("WordPiece entries are spelt as BERT's own files spell them")
  func wordPiece() throws {
    let forge = vocabulary(
      "bert", ["[UNK]", "[CLS]", "[SEP]", "\u{2581}play", "ing", "\u{2581}ing"],
      types: [3, 3, 3, 1, 1, 1], roles: [("unknown", 0), ("cls", 1), ("seperator", 2)])
    let tokenizer = try #require(try load(forge))
    #expect(tokenizer.encode("Playing ing [SEP] x") == [3, 4, 5, 2, 0])
    #expect(tokenizer.encodeForModel("ing") == [1, 5, 2])
    #expect(tokenizer.decode([3, 4]) == "playing")
  }

  @Test("Llama 3's files merge whole pieces first and begin with BOS without saying so")
  func llama3() throws {
    var forge = vocabulary(
      "gpt2", ["a", "b", "c", "ab", "abc", "<|begin|>"], types: [1, 1, 1, 1, 1, 3],
      roles: [("bos", 5)])
    forge.add("tokenizer.ggml.merges", .array, strings(forge, ["a b"]))
    let plain = try #require(try load(forge))
    #expect(plain.encodeForModel("abc<|begin|>") == [3, 2, 5])
    forge.add("tokenizer.ggml.pre", "llama-bpe")
    #expect(try #require(try load(forge)).encodeForModel("abc") == [5, 4])
    forge.add("tokenizer.ggml.add_bos_token", .bool, [0])
    #expect(try #require(try load(forge)).encodeForModel("abc") == [4])
  }

  @Test("a file without a vocabulary has no tokenizer")
  func none() throws {
    #expect(try load(GGUFForge.sample()) == nil)
  }

  @Test("damaged and unknown vocabularies are refused by key")
  func refusals() throws {
    var pre = vocabulary("gpt2", ["a"])
    pre.add("tokenizer.ggml.pre", "deepseek-llm")
    var merges = vocabulary("gpt2", ["a"])
    merges.add("tokenizer.ggml.merges", .array, strings(merges, ["aa"]))
    for (forge, key) in [
      (vocabulary("t5", ["a"]), "model"),
      (vocabulary("gpt2", []), "tokens"),
      (vocabulary("gpt2", ["a", "a"]), "tokens"),
      (vocabulary("gpt2", ["a", "b"], types: [1]), "token_type"),
      (vocabulary("gpt2", ["a"], types: [9]), "token_type"),
      (vocabulary("gpt2", ["a"], roles: [("bos", 1)]), "bos_token_id"),
      (vocabulary("llama", ["a"]), "scores"),
      (vocabulary("bert", ["a"]), "unknown_token_id"),
      (pre, "pre"), (merges, "merges"),
    ] {
      let error = #expect(throws: FormatError.self) { try load(forge) }
      #expect(error?.place == "key 'tokenizer.ggml.\(key)'")
    }
  }
}
