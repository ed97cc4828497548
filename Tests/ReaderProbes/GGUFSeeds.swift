// Small sound GGUF files: every version and byte order, every kind of vocabulary, and models.

import HHFormat
internal import HHTestSupport

extension GGUFProbe {
  package static func seeds() throws -> [[UInt8]] {
    [(1, false), (2, false), (2, true), (3, false), (3, true)].map { version, isBigEndian in
      GGUFForge.sample(version: version, isBigEndian: isBigEndian).bytes
    } + [
      GGUFModelDefect.llama.bytes, vocabulary(), words(), try unigram(), exported(),
      try content(of: Fixtures.path("golden/gguf/values-little.gguf")),
      try content(of: Fixtures.path("golden/wild/gguf-classifier/model.gguf")),
    ]
  }

  /// A model of one tensor with a byte-level vocabulary.
  private static func vocabulary() -> [UInt8] {
    var forge = GGUFForge()
    forge.add("general.architecture", "gpt2")
    forge.add("gpt2.attention.head_count", 1)
    forge.add("tokenizer.ggml.model", "gpt2")
    forge.add("tokenizer.ggml.pre", "llama-bpe")
    forge.add("tokenizer.ggml.add_bos_token", .bool, [1])
    forge.add("tokenizer.ggml.bos_token_id", 3)
    func strings(_ texts: [String]) -> [UInt8] {
      forge.array(.string, UInt64(texts.count), texts.flatMap { forge.string($0) })
    }
    forge.add("tokenizer.ggml.tokens", .array, strings(["a", "b", "ab", "<e>"]))
    forge.add("tokenizer.ggml.merges", .array, strings(["a b"]))
    let kinds = [1, 1, 1, 3].flatMap { forge.integer(UInt32($0)) }
    forge.add("tokenizer.ggml.token_type", .array, forge.array(.int32, 4, kinds))
    forge.add("tokenizer.ggml.eos_token_id", 3)
    forge.add(
      tensor: "blk.0.attn_qkv.weight", .f16, [3, 2], (0..<12).map { UInt8($0) })
    return forge.bytes
  }

  /// A model of one tensor with a WordPiece vocabulary, and the names of classes.
  private static func words() -> [UInt8] {
    var forge = GGUFForge()
    forge.add("general.architecture", "bert")
    forge.add("bert.attention.head_count", 1)
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "\u{2581}the", "ab", "\u{2581}a"]
    let strings = tokens.flatMap { forge.string($0) }
    forge.add("tokenizer.ggml.model", "bert")
    forge.add("tokenizer.ggml.tokens", .array, forge.array(.string, 8, strings))
    for (role, id) in [("unknown", 1), ("bos", 2), ("seperator", 3), ("mask", 4)] {
      forge.add("tokenizer.ggml.\(role)_token_id", UInt32(id))
    }
    forge.add("tokenizer.ggml.normalizer.lowercase", .bool, [0])
    let labels = forge.string("no") + forge.string("yes")
    forge.add("bert.classifier.output_labels", .array, forge.array(.string, 2, labels))
    let zeros = [UInt8](repeating: 0, count: 16)
    forge.add(tensor: "cls.output.weight", .f32, [2, 2], zeros)
    return forge.bytes
  }

  /// A model of one tensor with a unigram vocabulary and its map of characters.
  private static func unigram() throws -> [UInt8] {
    var forge = GGUFForge()
    forge.add("general.architecture", "bert")
    forge.add("bert.attention.head_count", 1)
    let pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u{2581}", "a", "b", "\u{2581}ab", "<mask>"]
    let count = UInt64(pieces.count)
    forge.add("tokenizer.ggml.model", "t5")
    let strings = pieces.flatMap { forge.string($0) }
    forge.add("tokenizer.ggml.tokens", .array, forge.array(.string, count, strings))
    let kinds = [3, 3, 3, 2, 1, 1, 1, 1, 4].flatMap { forge.integer(UInt32($0)) }
    forge.add("tokenizer.ggml.token_type", .array, forge.array(.int32, count, kinds))
    let scores = pieces.indices.flatMap { forge.integer(Float(-$0).bitPattern) }
    forge.add("tokenizer.ggml.scores", .array, forge.array(.float32, count, scores))
    let map: [UInt8] = [4, 0, 0, 0, 0, 4, 0, 0, 0x61, 0]
    forge.add(
      "tokenizer.ggml.precompiled_charsmap", .array, forge.array(.uint8, UInt64(map.count), map))
    for (role, id) in [("bos", 0), ("eos", 2), ("unknown", 3), ("padding", 1), ("mask", 8)] {
      forge.add("tokenizer.ggml.\(role)_token_id", UInt32(id))
    }
    for flag in ["add_space_prefix", "remove_extra_whitespaces", "add_bos_token"] {
      forge.add("tokenizer.ggml.\(flag)", .bool, [1])
    }
    forge.add(tensor: "token_embd.weight", .f32, [9, 1], [UInt8](repeating: 0, count: 36))
    return forge.bytes
  }

  /// An export of a converted model, with the keys of its feature maps.
  private static func exported() -> [UInt8] {
    var forge = GGUFModelDefect.llama
    for index in forge.keys.indices {
      let name = String(decoding: forge.keys[index].name, as: UTF8.self)
      forge.keys[index].name = Array(name.replacing("llama.", with: "hedgehog-llama.").utf8)
    }
    forge.keys.removeFirst()
    forge.add("general.architecture", "hedgehog-llama")
    let stem = "hedgehog-llama.attention.feature_map"
    for (key, word) in [
      ("kind", "elu"), ("sharing", "key-value-head"), ("epsilon_placement", "added-to-denominator"),
      ("orientation", LinearAttentionDescription.defaultOrientation), ("softmax_layers", "0"),
    ] { forge.add("\(stem).\(key)", word) }
    forge.add("\(stem).dimension", 4)
    forge.add("\(stem).bias", .bool, [0])
    forge.add("\(stem).epsilon", .float32, forge.integer(Float(1e-6).bitPattern))
    return forge.bytes
  }
}
