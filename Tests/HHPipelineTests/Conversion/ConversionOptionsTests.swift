// Names of artifacts.

import HHTraining
import Testing

@testable import HHModel
@testable import HHPipeline

@Suite("ConversionOptions")
struct ConversionOptionsTests {
  @Test("epochs become steps once the rows are known, a started batch counting as one")
  func epochs() throws {
    var options = ConversionOptions(model: "m", threads: 1)
    (options.distillation.epochs, options.distillation.batchSize) = (1.5, 8)
    (options.finetuning.epochs, options.finetuning.accumulation) = (2, 3)
    var resolved = try options.resolved(distillationRows: 11, rows: 100)
    #expect(resolved.distillation.steps == 3 && resolved.finetuning.steps == 9)
    options.finetuning.batchSize = 1
    resolved = try options.resolved(distillationRows: 1, rows: 1)
    #expect(resolved.distillation.steps == 1 && resolved.finetuning.steps == 1)
    options.finetuning.epochs = 1e5
    let error = #expect(throws: PipelineError.self) {
      try options.resolved(distillationRows: 1, rows: 1_000_000)
    }
    #expect("\(try #require(error))".hasPrefix("epochs: expected at most 10,000,000 steps"))
    options = ConversionOptions(model: "m", threads: 1)
    resolved = try options.resolved(distillationRows: 5, rows: 5)
    // Finetuning has the batch of distillation where it is given none of its own.
    options.finetuning.batchSize = options.distillation.batchSize
    #expect(resolved == options)
  }

  @Test(
    "an artifact is named for its model: the folder's name where the file's says nothing",
    arguments: [
      ("models/gpt2", "gpt2"), ("models/gpt2/", "gpt2"), ("./models/gpt2/.", "gpt2"),
      ("models/gpt2/model.safetensors", "gpt2"), ("model.safetensors", "model"),
      ("../model.safetensors", "model"), ("x/tiny.safetensors", "tiny"),
      ("x/model.safetensors.index.json", "x"), ("x/tiny.safetensors.index.json", "tiny"),
      ("x/tiny-Q8_0.gguf", "tiny-Q8_0"), ("x/model.gguf", "x"),
      ("x/model-00001-of-00003.gguf", "x"), ("x/tiny-q4-00001-of-00003.gguf", "tiny-q4"),
      ("x/model-00001-of-00001.safetensors", "x"), ("x/one-of-two.gguf", "one-of-two"),
      ("x/a-0001-of-00003.gguf", "a-0001-of-00003"), (".", "model"), ("/", "model"),
    ])
  func names(_ path: String, _ name: String) {
    #expect(
      ConversionOptions(model: path, threads: 1).outputPath == "\(name).hedgehog.safetensors.zst")
  }
}
