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
struct ConversionArguments: ParsableArguments {
  @Option(
    help: """
      A recipe: the file or the name of one that 'recipe list' shows. Options come on top of it.
      """)
  var recipe: String?

  @Option(
    help: """
      What to do: 'rewrite,distil', or 'rewrite' alone, which needs no data and runs no model \
      (default: rewrite,distil).
      """,
    transform: { text in
      guard let stages = ConversionStage.list(text) else {
        throw ValidationError("expected 'rewrite' or 'rewrite,distil', found '\(text)'")
      }
      return stages
    })
  var stages: [ConversionStage]?

  @Option(
    help: """
      What attention is rewritten with (default: \(FeatureMapKind.splitSoftmax)): \
      \(FeatureMapKind.allCases.map(\.rawValue).joined(separator: ", ")).
      """,
    transform: Self.featureMap)
  var featureMap: FeatureMapKind?

  @Option(
    name: .customLong("feature-dim"), parsing: .unconditional,
    help: "Features of a head before negation (default: the head's size).")
  var featureDimension: Int?

  @Option(
    parsing: .unconditional,
    help: "Nearest keys of every query that keep their softmax weights, in decoders.")
  var window: Int?

  @Option(
    help: "Layers that keep softmax attention, such as 0,11, counted from 0.",
    transform: Self.layers)
  var keepSoftmax: [Int]?

  @Option(
    help: """
      Rows to distil on: text, token ids (.npy, .bin) or images (IDX, .npy). Without it a decoder \
      writes its own, an encoder gets random tokens and a ViT synthetic images.
      """)
  var data: String?

  @Option(help: "Rows to measure on, of the same kind (default: some rows of the data).")
  var heldOut: String?

  @Option(parsing: .unconditional, help: "Tokens per row (default: 256, or the model's positions).")
  var length: Int?

  @Option(
    parsing: .unconditional,
    help: "Optimiser steps per layer (default: \(DistillationRecipe().steps)).")
  var steps: Int?

  @Option(
    parsing: .unconditional, help: "Rows per step (default: \(DistillationRecipe().batchSize)).")
  var batch: Int?

  @Option(
    parsing: .unconditional,
    help: "Most distinct rows to train on (default: 16,384 positions of them).")
  var rows: Int?

  @Option(
    name: .customLong("lr"), parsing: .unconditional,
    help: "Highest learning rate (default: by the heads' size).")
  var learningRate: Double?

  @Option(
    parsing: .unconditional,
    help: "Optimiser steps that train the whole model after distillation (default: 0).")
  var finetuneSteps: Int?

  @Option(
    name: .customLong("finetune-lr"), parsing: .unconditional,
    help: "Highest learning rate of finetuning (default: \(FinetuneRecipe.defaultRate)).")
  var finetuneRate: Double?

  @Option(
    help: """
      What finetuning learns from: labels (of a decoder: the next token), teacher-logits or \
      teacher-hidden (default: labels where there are any).
      """,
    transform: Self.loss)
  var finetuneLoss: FinetuningSettings.Loss?

  @Option(
    parsing: .unconditional,
    help: """
      Train adapters (LoRA) of this rank on the projections of attention, and the feature maps, \
      instead of all weights.
      """)
  var lora: Int?

  @Option(
    help: """
      What the factors of matrix products are rounded to in training: float32, or bfloat16, which \
      is faster where oneDNN is installed and the processor has units for it (default: float32).
      """,
    transform: Self.precision)
  var precision: ProductPrecision?

  @Option(
    help: "Longest time for distillation, such as 90s, 10m or 1h30m: fewer steps if need be.",
    transform: TimeBudget.init)
  var budget: TimeBudget?

  @Option(
    help: """
      Memory that training may take, such as 500MB or 4GB; hidden states lie on disk beside the \
      output if need be (default: three quarters of the machine's).
      """,
    transform: ByteCount.init)
  var maxMemory: ByteCount?

  @Option(parsing: .unconditional, help: "Seed of everything random (default: 0).")
  var seed: UInt64?

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(
    help: """
      Leave unchanged tensors, and the files beside the model, to the model: the artifact is small, \
      and is used together with the model.
      """)
  var delta = false

  @Flag(help: "Convert weights even if some are not finite.")
  var allowNonfinite = false

  func validate() throws {
    // The upper bounds keep every product of these within 64 bits.
    try check(steps, in: 0...10_000_000, "--steps")
    try check(batch, in: 1...65_536, "--batch")
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...1_000_000_000, "--rows")
    try check(threads, in: 1...1024, "--threads")
    try check(finetuneSteps, in: 0...10_000_000, "--finetune-steps")
    try check(lora, in: 1...4096, "--lora")
    try check(featureDimension, in: 1...65_536, "--feature-dim")
    try check(window, in: 1...1_048_576, "--window")
    if let finetuneRate, !(finetuneRate > 0 && finetuneRate.isFinite) {
      throw ValidationError("--finetune-lr: expected a positive number, found \(finetuneRate)")
    }
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--lr: expected a positive number, found \(learningRate)")
    }
    if let stages, !stages.contains(.distil), let option = firstTrainingOption {
      throw ValidationError(
        "\(option): expected a distillation that it is for, found '--stages rewrite'")
    }
  }

  /// An option that was given and that only training needs.
  private var firstTrainingOption: String? {
    let given = [
      ("--data", data != nil), ("--held-out", heldOut != nil), ("--length", length != nil),
      ("--steps", steps != nil), ("--batch", batch != nil), ("--rows", rows != nil),
      ("--lr", learningRate != nil), ("--budget", budget != nil),
      // A map's random directions, the option's or the recipe's, come from the seed too.
      ("--seed", seed != nil && featureMap?.isRandom != true && recipe == nil),
      ("--finetune-steps", finetuneSteps != nil), ("--max-memory", maxMemory != nil),
      ("--precision", precision != nil),
    ]
    return given.first { $0.1 }?.0
  }

  /// The options that were given as words of a command line, but for the threads: a batch divides
  /// those.
  var words: [String] {
    let values: [(String, String?)] = [
      ("--recipe", recipe),
      ("--stages", stages.map { $0.map(\.rawValue).joined(separator: ",") }), ("--data", data),
      ("--feature-map", featureMap?.rawValue),
      ("--feature-dim", featureDimension.map { "\($0)" }), ("--window", window.map { "\($0)" }),
      ("--keep-softmax", keepSoftmax.map { $0.map(String.init).joined(separator: ",") }),
      ("--held-out", heldOut), ("--length", length.map { "\($0)" }),
      ("--steps", steps.map { "\($0)" }), ("--batch", batch.map { "\($0)" }),
      ("--rows", rows.map { "\($0)" }), ("--lr", learningRate.map { "\($0)" }),
      ("--budget", budget?.text), ("--max-memory", maxMemory.map { "\($0.bytes)" }),
      ("--seed", seed.map { "\($0)" }),
      ("--finetune-steps", finetuneSteps.map { "\($0)" }),
      ("--finetune-lr", finetuneRate.map { "\($0)" }),
      ("--finetune-loss", finetuneLoss?.rawValue), ("--lora", lora.map { "\($0)" }),
      ("--precision", precision?.rawValue),
    ]
    return values.flatMap { name, value in value.map { ["\(name)=\($0)"] } ?? [] }
      + (delta ? ["--delta"] : []) + (allowNonfinite ? ["--allow-nonfinite"] : [])
  }

  /// A feature map by its name.
  static func featureMap(_ word: String) throws -> FeatureMapKind {
    guard let kind = FeatureMapKind(rawValue: word) else {
      let known = FeatureMapKind.allCases.map(\.rawValue)
      let nearest = nearestName(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw ValidationError(
        "expected \(known.joined(separator: ", ")), found '\(word)'\(nearest)")
    }
    return kind
  }

  private static func layers(_ text: String) throws -> [Int] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let layers = parts.compactMap(\.self)
    guard layers.count == parts.count, layers.allSatisfy({ $0 >= 0 }) else {
      throw ValidationError("expected numbers of layers such as 0,11, found '\(text)'")
    }
    return layers
  }

  private static func loss(_ word: String) throws -> FinetuningSettings.Loss {
    guard let loss = FinetuningSettings.Loss(rawValue: word) else {
      let known = FinetuningSettings.Loss.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("expected \(known), found '\(word)'")
    }
    return loss
  }

  private static func precision(_ word: String) throws -> ProductPrecision {
    guard let precision = ProductPrecision(rawValue: word) else {
      let known = ProductPrecision.allCases.map(\.rawValue).joined(separator: " or ")
      throw ValidationError("expected \(known), found '\(word)'")
    }
    return precision
  }

  /// Settings for one model: the recipe's, where there is one, and the options on top.
  func options(model: String?) throws -> ConversionOptions {
    let processors = Producer.processorCount
    var options = ConversionOptions(model: model ?? "", threads: processors)
    if let recipe {
      options = try Recipe.named(recipe).options(model: model, threads: processors)
    }
    if let stages { options.stages = stages }
    if let featureMap { options.attention.kind = featureMap }
    if let featureDimension { options.attention.dimension = featureDimension }
    if let window { options.attention.window = window }
    if let keepSoftmax { options.attention.softmaxLayers = keepSoftmax.sorted() }
    if let threads { options.threads = threads }
    if let data { options.data = data }
    if let heldOut { options.heldOut = heldOut }
    if let length { options.length = length }
    if let steps { (options.distillation.steps, options.distillation.epochs) = (steps, nil) }
    if let batch { options.distillation.batchSize = batch }
    if let learningRate { options.distillation.learningRate = learningRate }
    if let rows { options.distillation.rowLimit = rows }
    if let seed { options.distillation.seed = seed }
    if let budget { options.distillation.budget = budget.seconds }
    if let precision {
      (options.distillation.precision, options.finetuning.precision) = (precision, precision)
    }
    if let maxMemory { options.maximumMemory = maxMemory.bytes }
    if let finetuneSteps {
      try options.finetuning.take(steps: finetuneSteps, option: "--finetune-steps")
    }
    if let finetuneRate { options.finetuning.learningRate = finetuneRate }
    if let finetuneLoss { options.finetuning.loss = finetuneLoss }
    if let lora {
      var settings = LowRankSettings()
      settings.rank = lora
      settings.alpha = 2 * Double(lora)
      options.finetuning.choice = .adapters(settings)
    }
    options.finetuning.seed = options.distillation.seed
    let given = [
      ("--finetune-lr", finetuneRate != nil), ("--finetune-loss", finetuneLoss != nil),
      ("--lora", lora != nil),
    ]
    if !options.finetuning.isOn, let name = given.first(where: \.1)?.0 {
      throw PipelineError.invalidOption(
        name: name, problem: "expected --finetune-steps beside it, found none")
    }
    if delta { options.delta = true }
    if allowNonfinite { options.allowNonfinite = true }
    return options
  }
}

/// Refuses a number outside the range of its option.
func check(_ value: Int?, in range: ClosedRange<Int>, _ name: String) throws {
  guard let value, !range.contains(value) else { return }
  throw ValidationError(
    "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
}
