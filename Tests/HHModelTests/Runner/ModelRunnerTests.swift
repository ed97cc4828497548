// The forward pass of every architecture against transformers' eager float32 values.

import HHCompute
import HHData
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("ModelRunner")
struct ModelRunnerTests {
  /// Largest absolute difference to the reference that counts as equal.
  static let tolerance: Float = 2e-4

  @Test(
    "the random models give the reference's hidden states, logits and pooled rows",
    arguments: Models.golden)
  func equalsReference(_ name: String) throws {
    let folder = Fixtures.path("golden/forward/\(name)")
    let golden = try GoldenTensors("\(folder)/expected.safetensors")
    let runner = try ModelRunner(opening: folder)
    let input = try Models.input(golden)
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
}
