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

  /// Settings with the paths that a recipe writes out.
  private func plain() -> ConversionOptions {
    var options = ConversionOptions(model: "/m", threads: 3)
    options.output = "/o"
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
    (options.distillation.schedule, options.distillation.plateau) = (.plateau, PlateauSettings())
    (options.distillation.earlyStop, options.distillation.warmUpSteps) = (.init(patience: 9), 2)
    (options.distillation.clip, options.distillation.weightDecay) = (0.5, 0.25)
    (options.distillation.rowLimit, options.distillation.budget) = (11, 60)
    options.distillation.factors = .init(weights: 0.5, outputs: 100)
    options.seed = .max
    (options.attention.kind, options.attention.dimension) = (.jointSoftmax, 5)
    (options.attention.bias, options.attention.sharing) = (false, .queryHead)
    (options.attention.constant, options.attention.window) = (3, 16)
    options.attention.softmaxLayers = [1, 4]
    (options.distillation.precision, options.finetuning.precision) = (.bfloat16, .bfloat16)
    options.finetuning.epochs = 1.5
    (options.finetuning.batchSize, options.finetuning.accumulation) = (2, 4)
    (options.finetuning.schedule, options.finetuning.warmUpSteps) = (.cosine, 3)
    (options.finetuning.clip, options.finetuning.loss) = (nil, .teacherHidden)
    options.finetuning.earlyStop = EarlyStopSettings(patience: 4, interval: 2)
    options.finetuning.weightDecay = 0.1
    var adapters = LowRankSettings()
    (adapters.rank, adapters.alpha, adapters.dropout, adapters.targets) = (3, 5, 0.5, ["key"])
    options.finetuning.lora = adapters
    options.evaluations = [
      .init(
        settings: .init(task: .similarity, data: "/e", rowLimit: 4, length: 9), after: "rewrite"),
      .init(settings: .init(task: .languageModel, data: nil, rowLimit: nil), after: "finetune"),
    ]
    #expect(try roundTrip(options) == options)
    options.distillation.epochs = 2
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
    options.finetuning = TrainingSettings(.train)
    (options.finetuning.steps, options.finetuning.batchSize) = (5, 2)
    (options.distillation.steps, options.rewrites) = (0, false)
    var sizes = NewModel(architecture: "llama")
    (sizes.keyValueHeads, sizes.files) = (2, "/f")
    for initialWeights in [
      .sizes(sizes), .checkpoint(path: "/m"),
    ] as [InitialWeights] {
      options.initialWeights = initialWeights
      if case .sizes = initialWeights { options.model = "" } else { options.model = "/m" }
      #expect(try roundTrip(options) == options)
      guard case .checkpoint = initialWeights else { continue }
      options.finetuning.classes = 3
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
