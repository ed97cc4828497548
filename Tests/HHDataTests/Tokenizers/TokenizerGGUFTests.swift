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

  @Test("BERT's tokens are found under the keys that converters write today, or by their texts")
  func encoderRoles() throws {
    let texts = ["[UNK]", "[CLS]", "[SEP]", "\u{2581}a", "[X]", "\u{2581}[Y]"]
    let kinds: [Int32] = [3, 3, 3, 1, 3, 4]
    for roles in [[("bos", UInt32(1)), ("eos", 2)], [("bos", 1), ("seperator", 2)], []] {
      let forge = vocabulary(
        "bert", texts, types: kinds, roles: [("unknown", 0)] + roles)
      let tokenizer = try #require(try load(forge))
      #expect(tokenizer.encodeForModel("a[X] [Y]a") == [1, 3, 4, 5, 3, 2])
      #expect(tokenizer.special.cls == 1 && tokenizer.special.sep == 2)
      #expect(tokenizer.special.bos == nil && tokenizer.special.ends == [])
    }
  }

  @Test("BERT's case and accents are as the file says")
  func normalizer() throws {
    let texts = ["[UNK]", "[CLS]", "[SEP]", "É", "é", "E", "e"].map {
      $0.hasPrefix("[") ? $0 : "\u{2581}\($0)"
    }
    for (lowercase, accents, id) in [
      (nil, nil, 6), (false, nil, 3), (true, false, 4), (false, true, 5), (nil, false, 4),
    ] as [(Bool?, Bool?, Int32)] {
      var forge = vocabulary("bert", texts, types: [3, 3, 3, 1, 1, 1, 1], roles: [("unknown", 0)])
      if let lowercase {
        forge.add("tokenizer.ggml.normalizer.lowercase", .bool, [lowercase ? 1 : 0])
      }
      if let accents {
        forge.add("tokenizer.ggml.normalizer.strip_accents", .bool, [accents ? 1 : 0])
      }
      #expect(try #require(try load(forge)).encode("É") == [id])
    }
  }

  @Test("control and user-defined tokens in a text are one id, with what follows begun anew")
  func controlTokens() throws {
    let texts = ["<unk>", "<s>", "</s>", "<|user|>", "\u{2581}", "a", "\u{2581}a", "<x>"]
    var forge = vocabulary(
      "llama", texts, types: [2, 3, 3, 3, 1, 1, 1, 4], roles: [("bos", 1), ("eos", 2)])
    forge.add(
      "tokenizer.ggml.scores", .array,
      forge.array(.float32, 8, (0..<8).flatMap { forge.integer((-Float($0)).bitPattern) }))
    let tokenizer = try #require(try load(forge))
    #expect(tokenizer.encodeForModel("a<|user|>a</s><x>a") == [1, 6, 3, 6, 2, 7, 6])
    #expect(tokenizer.decode([6, 3, 6, 7]) == "a a<x>")
    forge.add("tokenizer.ggml.add_space_prefix", .bool, [0])
    #expect(try #require(try load(forge)).encode("a<|user|>a") == [5, 3, 5])
  }

  @Test("a text ends at the end of sequence, of a turn and of a message")
  func ends() throws {
    let texts = ["a", "<|x|>", "<|y|>", "<|z|>", "<|im_end|>"]
    let tokenizer = try #require(
      try load(
        vocabulary(
          "gpt2", texts, types: [1, 3, 3, 3, 1],
          roles: [("eos", 1), ("eot", 2), ("eom", 3)])))
    #expect(tokenizer.special.eos == 1 && tokenizer.special.ends == [1, 2, 3, 4])
    #expect(tokenizer.encode("<|im_end|>a") == [4, 0])
  }

  @Test("an unknown way of cutting text is refused with the way out")
  func unknownPre() throws {
    var forge = vocabulary("gpt2", ["a"])
    forge.add("tokenizer.ggml.pre", "no-such-model")
    let error = #expect(throws: FormatError.self) { try load(forge) }
    #expect(error?.kind == .unsupported && error?.remedy?.settings == [.tokenizer])
  }

  @Test("a file without a vocabulary has no tokenizer")
  func none() throws {
    #expect(try load(GGUFForge.sample()) == nil)
  }

  /// A unigram vocabulary of two entries, but for its scores, with more keys.
  private func unigram(_ more: (inout GGUFForge) -> Void) -> GGUFForge {
    var forge = vocabulary("t5", ["<unk>", "a"], types: [2, 1])
    forge.add("tokenizer.ggml.add_space_prefix", .bool, [1])
    forge.add("tokenizer.ggml.remove_extra_whitespaces", .bool, [1])
    more(&forge)
    return forge
  }

  @Test(
    "unigram vocabularies give the ids of tokenizers, the tokens around a text with them",
    arguments: 0..<2)
  func unigrams(_ index: Int) throws {
    let golden = try JSONValue(
      parsing: readBytes(at: Fixtures.path("golden/tokenizer-gguf.json")))
    let texts = try #require(golden["texts"]?.array).map { try #require($0.string) }
    let entry = try #require(golden["cases"]?.array)[index]
    let name = try #require(entry["name"]?.string)
    let file = try GGUFFile(at: Fixtures.path("tokenizers/\(name).gguf"))
    let tokenizer = try #require(try TokenizerLoader.load(from: file))
    #expect(tokenizer.special.mask != nil && tokenizer.special.cls == 0)
    let lists = try #require(entry["ids"]?.array)
    #expect(lists.count == texts.count && texts.count > 200)
    for (text, list) in zip(texts, lists) {
      let ids = try #require(list.array).compactMap(\.integer).map(Int32.init)
      #expect(tokenizer.encodeForModel(text) == ids, "\(name): \(text.debugDescription)")
      _ = tokenizer.decode(ids + [-1, .max])
    }
    let decoded = try #require(entry["decoded"]?.string)
    #expect(tokenizer.decode(tokenizer.encodeForModel("The fox, again")) == decoded)
  }

  @Test("damaged and unknown vocabularies are refused by key")
  func refusals() throws {
    var pre = vocabulary("gpt2", ["a"])
    pre.add("tokenizer.ggml.pre", "no-such-model")
    var merges = vocabulary("gpt2", ["a"])
    merges.add("tokenizer.ggml.merges", .array, strings(merges, ["aa"]))
    var ends = vocabulary("gpt2", ["a"])
    ends.add("tokenizer.ggml.add_eos_token", .bool, [1])
    for (forge, key) in [
      (vocabulary("rwkv", ["a"]), "model"),
      (vocabulary("t5", ["a"]), "unknown_token_id"),
      (vocabulary("t5", ["a"], roles: [("unknown", 0)]), "add_space_prefix"),
      (unigram { $0.add("tokenizer.ggml.scores", .array, $0.array(.float32, 0, [])) }, "scores"),
      (
        unigram { forge in
          forge.add(
            "tokenizer.ggml.precompiled_charsmap", .array,
            forge.array(.uint8, 9, [200, 0, 0, 0, 1, 2, 3, 4, 5]))
        }, "precompiled_charsmap"
      ),
      (vocabulary("gpt2", []), "tokens"),
      (vocabulary("gpt2", ["a", "a"]), "tokens"),
      (vocabulary("gpt2", ["a", "b"], types: [1]), "token_type"),
      (vocabulary("gpt2", ["a"], types: [9]), "token_type"),
      (vocabulary("gpt2", ["a"], roles: [("bos", 1)]), "bos_token_id"),
      (vocabulary("llama", ["a"]), "scores"),
      (vocabulary("bert", ["a"]), "unknown_token_id"),
      (pre, "pre"), (merges, "merges"), (ends, "add_eos_token"),
      (vocabulary("bert", ["[UNK]", "[SEP]"], roles: [("unknown", 0)]), "bos_token_id"),
      (vocabulary("bert", ["[UNK]", "[CLS]"], roles: [("unknown", 0)]), "seperator_token_id"),
    ] {
      let error = #expect(throws: FormatError.self) { try load(forge) }
      #expect(error?.place == "key 'tokenizer.ggml.\(key)'")
    }
  }
}
