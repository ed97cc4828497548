// The forward pass of every architecture against transformers' eager float32 values.

import HHCompute
import HHFormat
import HHPipeline
import HHTestSupport
import Testing

@Suite("ModelRunner")
struct ModelRunnerTests {
  /// Largest absolute difference to the reference that counts as equal.
  static let tolerance: Float = 2e-4

  static let configurations = [
    "bert-classifier", "bert-masked-lm", "bert-model", "bert-old-names", "gpt2-base",
    "gpt2-gelu-untied", "gpt2-inverse-layer", "gpt2-model-f16", "gpt2-relu-unprefixed",
    "llama-bf16", "llama-bias-linear-rope", "llama-gqa", "llama-llama3-rope", "llama-mha",
    "llama-mqa-head-dim", "vit-classifier", "vit-memory-names", "vit-model", "vit-no-qkv-bias",
  ]

  @Test(
    "the random models give the reference's hidden states, logits and pooled rows",
    arguments: configurations)
  func equalsReference(_ name: String) throws {
    let folder = Fixtures.path("golden/forward/\(name)")
    let golden = try GoldenTensors("\(folder)/expected.safetensors")
    let runner = try ModelRunner(opening: folder)
    let input = try Self.input(golden)
    let outputs = try runner.outputs(for: input)
    let width = runner.graph.hiddenSize
    try compare(outputs.hidden, golden, "hidden", input, width: width)
    if let pooled = outputs.pooled { try compare(pooled, golden, "pooled", nil, width: width) }
    if golden.shape("logits") != nil {
      let logits = try #require(outputs.logits)
      let perToken = logits.rows == outputs.hidden.rows
      try compare(logits, golden, "logits", perToken ? input : nil, width: logits.columns)
    }
  }

  /// Compares the valid positions only: what stands at padding has no meaning.
  private func compare(
    _ actual: Matrix, _ golden: GoldenTensors, _ name: String, _ input: ModelInput?, width: Int
  ) throws {
    let expected = try golden.floats(name)
    #expect(expected.count == actual.rows * actual.columns, "\(name)")
    var (a, b) = (actual.values, expected)
    if case .tokens(let batch)? = input, let lengths = batch.validLengths {
      for row in 0..<batch.rowCount {
        for index in (row * batch.length + lengths[row]) * width..<(row + 1) * batch.length * width
        {
          (a[index], b[index]) = (0, 0)
        }
      }
    }
    #expect(maximumDifference(a, b) <= Self.tolerance, "\(name)")
  }

  static func input(_ golden: GoldenTensors) throws -> ModelInput {
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
}
