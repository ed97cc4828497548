// What is done with a model of which nothing is said.

import HHCompute
import HHTestSupport
import Testing

@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("StandardConversion")
struct StandardConversionTests {
  private func standard(_ path: String) -> ConversionOptions {
    ConversionOptions.standard(model: path, threads: 2)
  }

  @Test(
    "a decoder keeps near keys, half of its positions, and the first ones",
    arguments: ["gpt2", "llama"])
  func decoders(_ name: String) throws {
    let path = Fixtures.path("models/\(name)")
    var plain = ConversionOptions(model: path, threads: 2)
    let positions = try OpenedModel(opening: path).runner.graph.maximumLength
    (plain.attention.window, plain.length) = (positions / 2, positions)
    plain.attention.sinks = 4
    (plain.distillation.factors.weights, plain.distillation.factors.outputs) = (0, 1)
    (plain.finetuning.steps, plain.finetuning.learningRate) = (20, 0.03)
    (plain.finetuning.loss, plain.finetuning.parameters) = (.teacherLogits, .featureMaps)
    #expect(standard(path) == plain)
  }

  @Test("a finish sees the rows of distillation, in its batches")
  func finish() {
    var options = standard(Fixtures.path("models/llama"))
    (options.length, options.distillation.batchSize) = (256, 4)
    options.fitFinish()
    #expect(options.finetuning.batchSize == 4 && options.finetuning.rowLimit == 64)
    #expect(options.finetuning.rowCount(length: 256) == 64)
    options.distillation.rowLimit = 3
    options.fitFinish()
    #expect(options.finetuning.rowCount(length: 256) == 3)
    options.finetuning = TrainingSettings(.finetune)
    options.finetuning.steps = 0
    options.fitFinish()
    #expect(options.finetuning.rowLimit == nil)
  }

  @Test(
    "others, and what cannot be opened, have the plain settings", arguments: ["bert", "vit", "x"])
  func others(_ name: String) {
    let path = Fixtures.path("models/\(name)")
    #expect(standard(path) == ConversionOptions(model: path, threads: 2))
  }

  @Test("long rows are few in a batch, short ones as many as usual")
  func batches() {
    var options = ConversionOptions()
    for (length, rows) in [(nil, 8), (16, 8), (256, 8), (1024, 2), (4096, 1)] as [(Int?, Int)] {
      options.length = length
      options.distillation.batchSize = 8
      options.fitBatch()
      #expect(options.distillation.batchSize == rows)
    }
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
