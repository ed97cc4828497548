// Settings written as a recipe and read again.

import HHCompute
import HHFormat
import HHModel
import HHTestSupport
import Testing

@testable import HHPipeline
@testable import HHTraining

@Suite("Recipe writing")
struct RecipeWritingTests {
  /// The settings that are read from the recipe which is written of some.
  private func roundTrip(_ options: ConversionOptions) throws -> ConversionOptions {
    let written = try Recipe(options, file: "r").yaml()
    return try Recipe(parsing: Array(written.utf8), file: "r.yaml")
      .options(model: nil, threads: 1)
  }

  /// Settings with the paths and the batch that a recipe writes out.
  private func plain() -> ConversionOptions {
    var options = ConversionOptions(model: "/m", threads: 3)
    options.output = "/o"
    options.finetuning.batchSize = nil
    return options
  }

  @Test("every setting survives")
  func everything() throws {
    var options = plain()
    (options.configuration, options.data, options.heldOut) = ("/c", "/d", "/h")
    (options.length, options.delta, options.allowNonfinite) = (64, true, true)
    (options.checkpointSteps, options.maximumMemory) = (5, 3_000_000_000)
    options.distillation.steps = 7
    (options.distillation.batchSize, options.distillation.learningRate) = (3, 0.1)
    (options.distillation.decay, options.distillation.plateau) = (.plateau, .init(interval: 7))
    (options.distillation.earlyStop, options.distillation.warmUpSteps) = (.init(patience: 9), 2)
    (options.distillation.clipping, options.distillation.weightDecay) = (0.5, 0.25)
    (options.distillation.rowLimit, options.distillation.budget) = (11, 60)
    options.distillation.loss = .init(weights: 0.5, outputs: 100)
    options.distillation.seed = .max
    (options.attention.kind, options.attention.dimension) = (.jointSoftmax, 5)
    (options.attention.bias, options.attention.sharing) = (false, .queryHead)
    (options.attention.constant, options.attention.window) = (3, 16)
    options.attention.softmaxLayers = [1, 4]
    (options.distillation.precision, options.finetuning.precision) = (.bfloat16, .bfloat16)
    options.finetuning.epochs = 1.5
    (options.finetuning.batchSize, options.finetuning.accumulation) = (2, 4)
    (options.finetuning.decay, options.finetuning.warmUpSteps) = (.cosine, 3)
    (options.finetuning.clipping, options.finetuning.loss) = (.infinity, .teacherHidden)
    (options.finetuning.earlyStop, options.finetuning.weightDecay) = (.init(interval: 2), 0.1)
    var adapters = LowRankSettings()
    (adapters.rank, adapters.alpha, adapters.dropout, adapters.targets) = (3, 5, 0.5, ["key"])
    options.finetuning.choice = .adapters(adapters)
    options.finetuning.seed = .max
    options.evaluations = [
      .init(settings: .init(task: .sts, data: "/e", rowLimit: 4, length: 9), after: "rewrite"),
      .init(settings: .init(task: .lm, data: nil, rowLimit: nil), after: "finetune"),
    ]
    #expect(try roundTrip(options) == options)
    options.distillation.epochs = 2
    options.distillation.steps = 0
    #expect(try roundTrip(options) == options)
  }

  @Test("so do the defaults, and a conversion that only rewrites")
  func defaults() throws {
    var options = plain()
    #expect(try roundTrip(options) == options)
    options.stages = [.rewrite]
    #expect(try roundTrip(options).stages == [.rewrite])
  }

  @Test("so does what is trained without a teacher")
  func starts() throws {
    var options = plain()
    options.data = "/d"
    options.finetuning.steps = 5
    (options.finetuning.batchSize, options.finetuning.loss) = (2, .labels)
    (options.distillation.steps, options.rewrites) = (0, false)
    var sizes = FreshModel(architecture: "llama")
    (sizes.keyValueHeads, sizes.files) = (2, "/f")
    for start in [
      .sizes(sizes), .checkpoint(path: "/m", classes: 3), .checkpoint(path: "/m", classes: nil),
    ] as [TrainingStart] {
      options.start = start
      if case .sizes = start { options.model = "" } else { options.model = "/m" }
      #expect(try roundTrip(options) == options)
    }
  }

  @Test("paths are made absolute", arguments: ["gpt2-wikitext", "bert-glue", "vit"])
  func paths(_ name: String) throws {
    let options = try Recipe.named(name).options(model: "models/x", threads: 1)
    let folder = try resolvedPath(".")
    let written = try roundTrip(options)
    #expect(written.model == "\(folder)/models/x")
    #expect(written.output == "\(folder)/x.hedgehog.safetensors.zst")
    #expect(written.distillation == options.distillation)
    #expect(written.finetuning == options.finetuning)
    #expect(written.evaluations == options.evaluations)
  }
}
