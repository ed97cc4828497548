// The forward pass of GGUF models against that of the safetensors files they were made from.

import HHCompute
import HHExport
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHModel
@testable import HHPipeline

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
    let input = try Models.input(try GoldenTensors("\(folder)/expected.safetensors"))
    let expected = try ModelRunner(opening: folder).outputs(for: input)
    let outputs = try ModelRunner(opening: Fixtures.path("golden/gguf/\(name).gguf"))
      .outputs(for: input)
    #expect(maximumDifference(outputs.hidden.values, expected.hidden.values) <= tolerance)
    #expect((outputs.logits == nil) == (expected.logits == nil))
    if let logits = outputs.logits, let expected = expected.logits {
      #expect(maximumDifference(logits.values, expected.values) <= tolerance)
    }
  }

  @Test(
    "an exported model with linear attention is shown, never taken for its softmax model",
    arguments: [FeatureMapKind.elu, .splitSoftmax])
  func linearAttention(_ kind: FeatureMapKind) throws {
    let folder = try TemporaryDirectory()
    let artifact = folder.path("a.zst")
    try Artifacts.write("gpt2-base", to: artifact, settings: LinearAttentionSettings(kind))
    let gguf = try Artifacts.export(artifact, .gguf, to: folder.path("a.gguf"))
    let hf = try Artifacts.export(artifact, .hf, to: folder.path("hf"))
    for path in [gguf, hf] {
      var conversion = ConversionOptions(model: path, threads: ThreadPolicy.threads)
      conversion.output = folder.path("again.zst")
      let error = try #require(throws: FormatError.self) { try Conversion(conversion) }
      #expect(error.kind == .unsupported && error.file == path, "\(error)")
      #expect(error.problem.contains("an export with linear attention"), "\(error)")
      let attentions = try OpenedModel(opening: path).runner.graph.attentions
      #expect(attentions.allSatisfy { $0.mechanism != .softmax })
    }
    // A configuration given in place of the file's metadata does not change its attention.
    let configuration = Fixtures.path("golden/forward/gpt2-base/config.json")
    let given = try OpenedModel(opening: gguf, configuration: configuration).runner.graph
    #expect(given.attentions.allSatisfy { $0.mechanism != .softmax })
    let inspection = try Inspection(of: gguf)
    #expect(inspection.architecture == "gpt2")
    #expect(inspection.obstacle == "the model has Hedgehog attention already")
  }
}
