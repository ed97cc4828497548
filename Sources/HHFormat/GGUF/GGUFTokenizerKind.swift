// The kinds of tokenizers in GGUF files, by the words of `tokenizer.ggml.model`.

/// A kind of tokenizer; the format calls each after the first model that had it.
package enum GGUFTokenizerKind: String, Sendable, CaseIterable {
  case byteLevelBPE = "gpt2"
  case sentencePiece = "llama"
  case wordPiece = "bert"
  case unigram = "t5"

  private var algorithm: String {
    switch self {
    case .byteLevelBPE: "byte-level BPE"
    case .sentencePiece: "SentencePiece BPE"
    case .wordPiece: "WordPiece"
    case .unigram: "unigram"
    }
  }

  /// Some of the kinds for an error message: the words of a file, with the algorithms they mean.
  package static func words(_ kinds: [Self]) -> String {
    Format.alternatives(kinds.map { "'\($0.rawValue)' (\($0.algorithm))" })
  }
}
