// The options of a conversion that do not depend on the model: what one and many have in common.

import ArgumentParser
import HHCompute
import HHFormat
import HHModel
import HHPipeline
import HHTraining

/// How to convert, whatever is converted.
///
/// An option that was not given is nil, so that a default can come from elsewhere.
struct ConversionArguments: SettingArguments {
  @Option(
    help: """
      A recipe: the file or the name of one that 'recipe list' shows (default: hedgehog; decoders get \
      a window, sinks and a short finish, which --finetune-steps 0 leaves out). Options come on top \
      of it.
      """, completion: .list(ShippedRecipes.names))
  var recipe: String?

  @Option(
    help: """
      How much a conversion without a recipe trains: quick, a quarter of the steps; normal; best, four \
      times as many (default: normal).
      """)
  var effort: Effort?

  @Option(
    help: """
      What to do: 'rewrite,distil', or 'rewrite' alone, which needs no data and runs no model \
      (default: rewrite,distil).
      """, completion: .list(["rewrite", "rewrite,distil"]),
    transform: { text in
      guard let stages = ConversionStage.list(text) else {
        throw ValidationError("expected 'rewrite' or 'rewrite,distil', found '\(text)'")
      }
      return stages
    })
  var stages: [ConversionStage]?

  // None of these are groups of their own: a debug build checks groups inside of another so often
  // that every process of the tests would start later.

  // What attention is rewritten with.
  @Option(\.attention, \.kind) var featureMap: Given?
  @Option(\.attention, \.dimension) var featureDimension: Given?
  @Option(\.attention, \.window) var window: Given?
  @Option(\.attention, \.sinks) var sinks: Given?
  @Option(\.attention, \.keptSoftmax, reading: keptSoftmax) var keepSoftmax: Given?

  // What is learnt from.
  @Option(\.self, \.data) var data: Given?
  @Option(\.self, \.heldOut) var heldOut: Given?
  @Option(\.self, \.columns, reading: columns) var column: Given?
  @Option(\.self, \.length) var length: Given?

  // How feature maps are distilled.
  @Option(\.distillation, \.steps) var steps: Given?
  @Option(\.distillation, \.batchSize) var batch: Given?
  @Option(\.distillation, \.rowLimit) var rows: Given?
  @Option(\.distillation, \.learningRate) var learningRate: Given?
  @Option(\.distillation, \.budget, reading: { .number(try TimeBudget($0).seconds) })
  var budget: Given?

  // How the whole model is trained afterwards.
  @Option(\.finetuning, \.steps) var finetuneSteps: Given?
  @Option(\.finetuning, \.learningRate) var finetuneRate: Given?
  @Option(\.finetuning, \.loss) var finetuneLoss: Given?
  @Option(\.finetuning, \.parameters) var finetuneParameters: Given?
  @Option(
    \.finetuning, \.lora,
    reading: { word in
      guard let rank = Int(word), (1...4096).contains(rank) else {
        throw ValidationError("expected a rank from 1 to 4096, found '\(word)'")
      }
      return ["rank": .integer(rank), "alpha": .number(2 * Double(rank))]
    })
  var lora: Given?

  @Option(\.distillation, and: [\.finetuning], \.precision) var precision: Given?

  // What the work may take of the machine, and its seed.
  @Option(\.self, \.maximumMemory, reading: byteCount) var maxMemory: Given?
  @Option(\.self, \.seed) var seed: Given?
  @Option(\.self, \.threads) var threads: Given?

  @Flag(\.self, \.delta) var delta = false
  @Flag(\.self, \.allowNonfinite) var allowNonfinite = false

  func validate() throws {
    try checkRanges()
    if recipe != nil, effort != nil {
      throw ValidationError(
        "--effort: expected no recipe beside it, which says how much, found both")
    }
    if let stages, !stages.contains(.distil), let option = trainingOptions.first {
      throw ValidationError(
        "\(option.name): expected a distillation that it is for, found '--stages rewrite'")
    }
  }

  /// The names of all options that were given and that errors may speak of.
  var givenNames: [String] { given.map(\.name) + (stages == nil ? [] : ["--stages"]) }

  /// The options that were given and that only training needs.
  private var trainingOptions: [Given] {
    // A map's random directions, the option's or the recipe's, come from the seed too.
    let needsSeed =
      recipe != nil || settings(of: [featureMap].compactMap(\.self)).attention.kind.isRandom
    return [data, heldOut, column, length, steps, batch, rows, learningRate, budget]
      .compactMap(\.self) + finetuning
      + [precision, maxMemory, needsSeed ? nil : seed].compactMap(\.self)
  }

  /// The options of finetuning that were given.
  private var finetuning: [Given] {
    [finetuneSteps, finetuneRate, finetuneLoss, finetuneParameters, lora].compactMap(\.self)
  }

  private func settings(of given: [Given]) -> ConversionOptions {
    var options = ConversionOptions()
    for given in given { given.apply(&options) }
    return options
  }

  /// The options that were given as words of a command line, but for the threads: a batch divides
  /// those.
  var words: [String] {
    (recipe.map { ["--recipe=\($0)"] } ?? [])
      + (effort.map { ["--effort=\($0.rawValue)"] } ?? [])
      + (stages.map { ["--stages=\($0.map(\.rawValue).joined(separator: ","))"] } ?? [])
      + given.filter { $0.name != threads?.name }.map(\.word)
      + (delta ? ["--delta"] : []) + (allowNonfinite ? ["--allow-nonfinite"] : [])
  }

  /// Settings for one model: the recipe's, where there is one, or else the usual ones, and the options
  /// on top. `configuration` and `base` are the model's, where they were given.
  func options(
    model: String?, configuration: String? = nil, base: String? = nil
  ) throws -> ConversionOptions {
    let processors = Producer.processorCount
    var options = ConversionOptions(model: model ?? "", threads: processors)
    if let recipe {
      options = try Recipe.named(recipe).options(model: model, threads: processors)
    } else if stages?.contains(.distil) != false, featureMap == nil {
      // Without training, and with a map of a user's choice, attention is rewritten as it is told.
      options = ConversionOptions.standard(
        model: model ?? "", configuration: configuration, base: base, threads: processors)
    }
    // Finetuning of a user's choice takes the place of the short one that is usual.
    if recipe == nil, !finetuning.isEmpty { options.finetuning = ConversionOptions().finetuning }
    if let effort { options.scale(by: effort) }
    if let stages { options.stages = stages }
    let hasFinetuning = options.finetuning.isEnabled
    let hasLength = options.length != nil
    for given in given { given.apply(&options) }
    if recipe == nil, hasLength, batch == nil { options.fitBatch() }
    if recipe == nil, hasFinetuning {
      options.fitFinish()
    } else if !hasFinetuning {
      // A stage that no recipe describes has the batches of the stage before it.
      options.finetuning.batchSize = options.distillation.batchSize
    }
    if !options.finetuning.isEnabled,
      let option = finetuning.first(where: { $0.name != finetuneSteps?.name })
    {
      throw PipelineError.missingSetting(options.finetuning.key(\.steps), beside: option.key)
    }
    try options.finetuning.requireConsistency()
    if delta { options.delta = true }
    if allowNonfinite { options.allowNonfinite = true }
    return options
  }
}

extension Effort: ExpressibleByArgument {}
