// Tokens that end a text by what they are called (llama.cpp, src/llama-vocab.cpp).

/// The texts of tokens that GGUF files have for the end of a text or of a turn, whether or not a key
/// says so.
enum EndTokens {
  private static let texts: Set<String> = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<\u{FF5C}end\u{2581}of\u{2581}sentence\u{FF5C}>", "[e~[",
  ]

  /// Whether a token of this text ends a text.
  static func contains(_ text: String) -> Bool { texts.contains(text) }

  /// The tokens of a vocabulary that end a text. In one whose answers end with `<|return|>` or
  /// `<|call|>`, `<|end|>` ends a part of an answer only.
  static func ids(in tokens: [String]) -> [Int32] {
    let found = tokens.indices.filter { texts.contains(tokens[$0]) }
    let words = Set(found.map { tokens[$0] })
    let hasParts =
      words.isSuperset(of: ["<|return|>", "<|call|>"])
      || words.isSuperset(of: ["<|calls|>", "<|flush|>"])
    return found.filter { !hasParts || tokens[$0] != "<|end|>" }.map { Int32($0) }
  }
}
