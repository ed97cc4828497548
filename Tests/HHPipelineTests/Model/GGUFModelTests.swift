// The forward pass of GGUF models against that of the safetensors files they were made from.

import HHCompute
import HHFormat
import HHPipeline
import HHTestSupport
import Testing

@Suite("GGUFModel")
struct GGUFModelTests {
  @Test(
    "a converted model computes what its source computes",
    arguments: [
      ("bert-model", Float(0)), ("gpt2-base", 0), ("llama-gqa", 0), ("llama-bf16", 0),
      ("llama-bias-linear-rope", 0), ("llama-mqa-head-dim", 0),
      // The divisors of the frequencies are rounded to float32 in the file.
      ("llama-llama3-rope", 5e-5),
    ])
  func equalsSource(_ name: String, tolerance: Float) throws {
    let folder = Fixtures.path("golden/forward/\(name)")
    let input = try ModelRunnerTests.input(try GoldenTensors("\(folder)/expected.safetensors"))
    let expected = try ModelRunner(opening: folder).outputs(for: input)
    let outputs = try ModelRunner(opening: Fixtures.path("golden/gguf/\(name).gguf"))
      .outputs(for: input)
    #expect(maximumDifference(outputs.hidden.values, expected.hidden.values) <= tolerance)
    #expect((outputs.logits == nil) == (expected.logits == nil))
    if let logits = outputs.logits, let expected = expected.logits {
      #expect(maximumDifference(logits.values, expected.values) <= tolerance)
    }
  }
}
