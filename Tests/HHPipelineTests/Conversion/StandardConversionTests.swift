// What is done with a model of which nothing is said.

import HHTestSupport
import Testing

@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("StandardConversion")
struct StandardConversionTests {
  private func standard(_ path: String) throws -> (options: ConversionOptions, isDecoder: Bool) {
    try ConversionOptions.standard(model: path, threads: 2)
  }

  @Test("a decoder keeps near keys and finishes on logits", arguments: ["gpt2", "llama"])
  func decoders(_ name: String) throws {
    var (options, isDecoder) = try standard(Fixtures.path("models/\(name)"))
    #expect(isDecoder && options.attention.window == 64)
    #expect(options.finetuning.isEnabled && options.finetuning.loss == .teacherLogits)
    // No longer than the model's positions, and as many positions per step as usual.
    let length = try #require(options.length)
    #expect(length == (name == "gpt2" ? 128 : 256))
    options.fitBatches()
    #expect(options.finetuning.batchSize * length == 2048)
    #expect(options.distillation.batchSize == options.finetuning.batchSize)
  }

  @Test(
    "others, and what cannot be opened, have the plain settings", arguments: ["bert", "vit", "x"])
  func others(_ name: String) throws {
    let path = Fixtures.path("models/\(name)")
    let (options, isDecoder) = try standard(path)
    #expect(!isDecoder && options == ConversionOptions(model: path, threads: 2))
  }

  @Test("an effort multiplies the steps that there are")
  func efforts() {
    var options = ConversionOptions()
    options.distillation.steps = 100
    options.scale(by: .quick)
    #expect(options.distillation.steps == 25 && options.finetuning.steps == 0)
    options.finetuning.steps = 3
    options.scale(by: .best)
    #expect(options.distillation.steps == 100 && options.finetuning.steps == 12)
    let before = options
    options.scale(by: .normal)
    #expect(options == before)
  }
}
