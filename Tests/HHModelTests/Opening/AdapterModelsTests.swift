// PEFT adapters merged into their base models, against what PEFT computes.

import HHCompute
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("Models with adapters")
struct AdapterModelsTests {
  static let names = [
    "bert-classifier", "gpt2-transposed", "llama-embeddings", "llama-patterns", "llama-plain",
  ]

  @Test("logits are those of the merged model", arguments: names)
  func equalsReference(_ name: String) throws {
    let folder = Fixtures.path("golden/adapters/\(name)")
    let golden = try GoldenTensors("\(folder)/expected.safetensors")
    let model = try OpenedModel(opening: "\(folder)/adapter", base: "\(folder)/base")
    let logits = try #require(try model.runner.outputs(for: Models.input(golden)).logits)
    #expect(try maximumDifference(logits.values, golden.floats("logits")) <= 2e-4)
  }
}
