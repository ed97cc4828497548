// The kinds of tokenizers in GGUF files, by the words of `tokenizer.ggml.model`.

/// A kind of tokenizer; the format calls each after the first model that had it.
package enum GGUFTokenizerKind: String, Sendable {
  case byteLevelBPE = "gpt2"
  case sentencePiece = "llama"
  case wordPiece = "bert"
  case unigram = "t5"
}
