// The models under fixtures/, opened to run.

internal import HHCompute
package import HHData
package import HHFormat
package import HHModel
package import HHTestSupport
internal import Testing

/// Opens models of the repository.
package enum Models {
  /// The random models of `golden/forward`.
  package static let golden = [
    "bert-classifier", "bert-masked-lm", "bert-model", "bert-old-names", "gpt2-base",
    "gpt2-gelu-untied", "gpt2-inverse-layer", "gpt2-model-f16", "gpt2-relu-unprefixed",
    "llama-bf16", "llama-bias-linear-rope", "llama-gqa", "llama-llama3-rope", "llama-mha",
    "llama-mqa-head-dim", "vit-classifier", "vit-memory-names", "vit-model", "vit-no-qkv-bias",
  ]

  /// A random model of `golden/forward`.
  package static func golden(_ name: String) throws -> ModelRunner {
    try ModelRunner(opening: Fixtures.path("golden/forward/\(name)"))
  }

  /// A trained model of `models`.
  package static func trained(_ name: String) throws -> ModelRunner {
    try ModelRunner(opening: Fixtures.path("models/\(name)"))
  }

  /// The input that goes with a random model.
  package static func input(_ name: String) throws -> ModelInput {
    try input(
      GoldenTensors(Fixtures.path("golden/forward/\(name)/expected.safetensors")))
  }

  /// The input that a file of golden tensors has.
  package static func input(_ golden: GoldenTensors) throws -> ModelInput {
    if let shape = golden.shape("pixel_values") {
      let pixels = try golden.floats("pixel_values")
      return .images(Matrix(rows: shape[0], columns: pixels.count / shape[0], pixels))
    }
    let shape = try #require(golden.shape("input_ids"))
    let types = try golden.integers("token_type_ids").map(Int32.init)
    let mask = try golden.integers("attention_mask")
    return .tokens(
      TokenBatch(
        ids: try golden.integers("input_ids").map(Int32.init), length: shape[1],
        validLengths: mask.isEmpty
          ? nil
          : (0..<shape[0]).map { mask[$0 * shape[1]..<($0 + 1) * shape[1]].reduce(0, +) },
        tokenTypes: types.isEmpty ? nil : types))
  }

  /// The name map of a random model.
  package static func names(_ name: String) throws -> NameMap {
    try NameMap(Checkpoint(opening: Fixtures.path("golden/forward/\(name)")))
  }
}

extension ModelInput {
  /// The tokens; nil for images.
  package var tokens: TokenBatch? { if case .tokens(let batch) = self { batch } else { nil } }
}
