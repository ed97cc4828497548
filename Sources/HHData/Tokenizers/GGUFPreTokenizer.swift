// What `tokenizer.ggml.pre` names: how byte-level BPE cuts text (llama.cpp, src/llama-vocab.cpp).

/// A way of cutting text, by the names that GGUF files give it.
package struct GGUFPreTokenizer: Sendable {
  /// The names, the usual one first.
  package let names: [String]
  /// The patterns in turn.
  package let patterns: [String]
  /// Whether a piece that is a vocabulary entry is taken without merging.
  package var ignoresMerges = false
  /// Whether the beginning of sequence goes before a text where the file does not say.
  package var addsBOS = false

  /// The one that a name stands for; a file without a name means `default`.
  package static func named(_ name: String?) -> GGUFPreTokenizer? {
    all.first { $0.names.contains(name ?? "default") }
  }

  /// The one that cuts and merges as given; nil where no name stands for that.
  package static func matching(
    _ preTokenization: PreTokenization, ignoresMerges: Bool
  ) -> GGUFPreTokenizer? {
    let texts = preTokenization.patterns.map {
      SplitPatterns.gpt2Spellings.contains($0.text) ? SplitPatterns.gpt2 : $0.text
    }
    return all.first { $0.patterns == texts && $0.ignoresMerges == ignoresMerges }
  }

  /// Every known one. Of several with the same patterns and flags, the first is what is written.
  package static let all: [GGUFPreTokenizer] = [
    Self(
      names: [
        "gpt-2", "gpt2", "mpt", "olmo", "jais", "trillion", "granite-docling", "phi-2", "jina-es",
        "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code", "roberta-bpe",
        "gigachat", "a.x-4.0", "mellum", "modern-bert", "exaone4",
      ], patterns: [SplitPatterns.gpt2]),
    Self(
      names: [
        "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
        "mellum2",
      ], patterns: [SplitPatterns.digit, SplitPatterns.gpt2]),
    Self(
      names: [
        "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano",
      ], patterns: [SplitPatterns.llama3], ignoresMerges: true, addsBOS: true),
    Self(
      names: ["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], patterns: [SplitPatterns.llama3]),
    Self(
      names: [
        "qwen2", "stablelm2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "hunyuan",
        "solar-open", "grok-2",
      ], patterns: [SplitPatterns.qwen2]),
    Self(names: ["qwen35"], patterns: [SplitPatterns.qwen35]),
    Self(names: ["ufakzeka"], patterns: [SplitPatterns.ufakzeka]),
    Self(names: ["seed-coder"], patterns: [SplitPatterns.seedCoder]),
    Self(names: ["bailingmoe", "bailingmoe2", "llada-moe"], patterns: [SplitPatterns.bailing]),
    Self(
      names: ["minicpm5"], patterns: [SplitPatterns.threeDigits, SplitPatterns.minicpm5],
      ignoresMerges: true),
    Self(names: ["jais-2"], patterns: [SplitPatterns.jais2]),
    Self(names: ["exaone-moe"], patterns: [SplitPatterns.exaoneMoe]),
    Self(names: ["laguna"], patterns: [SplitPatterns.lines, SplitPatterns.qwen2]),
    Self(
      names: ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"],
      patterns: [SplitPatterns.gpt4o]),
    Self(
      names: ["granite-embed-multi-97m"], patterns: [SplitPatterns.gpt4o], ignoresMerges: true),
    Self(
      names: ["tekken"], patterns: [SplitPatterns.tekken], ignoresMerges: true, addsBOS: true),
    Self(
      names: ["tiny_aya", "cohere2moe"],
      patterns: [DigitGroups.ofWholeWords.rawValue, SplitPatterns.gpt4o]),
    Self(
      names: ["youtu"], patterns: [SplitPatterns.youtuScripts, SplitPatterns.youtu],
      ignoresMerges: true),
    Self(names: ["kimi-k2"], patterns: [SplitPatterns.kimi]),
    Self(
      names: ["superbpe"], patterns: [SplitPatterns.numbers, DigitGroups.cutsOnly.rawValue]),
    Self(
      names: ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"],
      patterns: [
        SplitPatterns.threeDigits, SplitPatterns.chineseAndKana, SplitPatterns.deepseek3,
      ]),
    Self(
      names: ["spark2_5"],
      patterns: [
        SplitPatterns.threeDigits, SplitPatterns.chineseAndKana, SplitPatterns.spark,
        SplitPatterns.digit,
      ]),
    Self(
      names: ["afmoe"],
      patterns: [
        DigitGroups.ofAll.rawValue, SplitPatterns.asianScripts, SplitPatterns.deepseek3,
      ]),
    Self(
      names: ["deepseek-llm"],
      patterns: [
        SplitPatterns.lineEnd, SplitPatterns.casedWords, SplitPatterns.wideMarks,
        SplitPatterns.lastSpaces, SplitPatterns.chineseAndHangul, SplitPatterns.numbers,
      ]),
    Self(
      names: ["deepseek-coder"],
      patterns: [
        SplitPatterns.lineEnd, SplitPatterns.words, SplitPatterns.punctuations,
        SplitPatterns.chineseAndHangul, SplitPatterns.digit,
      ]),
    Self(
      names: ["falcon"],
      patterns: [SplitPatterns.falconMarks, SplitPatterns.gpt2, SplitPatterns.threeASCIIDigits]),
    Self(names: ["bloom", "gpt3-finnish", "poro-chat", "poro"], patterns: [SplitPatterns.bloom]),
    Self(names: ["viking"], patterns: [SplitPatterns.bloom, SplitPatterns.digit]),
    Self(
      names: ["chameleon"],
      patterns: [
        SplitPatterns.sentinels, SplitPatterns.imageTokens, SplitPatterns.chameleonSpaces,
        SplitPatterns.digit, SplitPatterns.chameleonMarks, SplitPatterns.gpt2,
      ], addsBOS: true),
    Self(
      names: ["default"],
      patterns: [
        SplitPatterns.defaultMarks, SplitPatterns.gpt2, SplitPatterns.numbers,
        SplitPatterns.threeASCIIDigits,
      ]),
  ]
}

extension SplitPattern {
  /// The texts that a stranger's file may ask for.
  private static let known = Set(
    GGUFPreTokenizer.all.flatMap(\.patterns) + SplitPatterns.gpt2Spellings
      + SplitPatterns.ofComponents)

  /// The pattern of a file's text; nil where it is not one of those known here.
  package init?(known text: String) {
    guard Self.known.contains(text) else { return nil }
    self.init(text)
  }
}
