// From a recipe to the settings of a conversion: what this version can run, and nothing else.

internal import HHAnalysis
package import HHFormat
internal import HHModel
internal import HHTraining

extension Recipe {
  /// The settings of a conversion by this recipe, of `model` or else of the recipe's own.
  ///
  /// - Throws: `badData` where neither side names a model, or both do.
  package func options(model: String?, threads: Int) throws(FormatError) -> ConversionOptions {
    let fresh = FreshModel(json["model"] ?? .null)
    guard fresh == nil || model == nil else {
      throw problem("model", "expected a path beside a model on the command line, found sizes")
    }
    guard let model = model ?? json["model"]?.string ?? fresh.map({ _ in "" }) else {
      throw problem("model", "expected a model here or on the command line, found none")
    }
    var options = ConversionOptions(model: model, threads: json["threads"]?.integer ?? threads)
    options.configuration = json["config"]?.string
    options.output = json["output"]?.string
    options.adapter = json["adapter"]?.string
    options.delta = json["delta"]?.bool ?? false
    options.data = json["data"]?.string
    options.heldOut = json["held_out"]?.string
    options.length = json["length"]?.integer
    options.run = json["run"]?.string
    options.checkpointSteps = json["checkpoint_steps"]?.integer ?? options.checkpointSteps
    options.maximumMemory = json["max_memory"]?.integer
    options.allowNonfinite = json["allow_nonfinite"]?.bool ?? false
    for (index, stage) in stages.enumerated() {
      switch stage {
      case .rewrite(let rewrite): options.attention = LinearAttentionSettings(rewrite)
      case .distil(let training, let distillation):
        options.distillation = DistillationRecipe(training, distillation)
      case .finetune(let training, let finetuning):
        options.finetuning = FinetuneRecipe(training, finetuning)
      case .train(let training, let accumulation, let classes):
        options.start = fresh.map { .sizes($0) } ?? .checkpoint(path: model, classes: classes)
        options.finetuning = FinetuneRecipe(
          training, FinetuningSettings(accumulation: accumulation, loss: .labels, lora: nil))
      case .evaluate(let evaluation):
        options.evaluations.append(
          ConversionOptions.Evaluation(
            settings: evaluation,
            after: stages[..<index].last { $0.name != "evaluate" }?.name ?? "rewrite"))
      }
    }
    options.distillation.seed = try seed()
    options.finetuning.seed = options.distillation.seed
    if !stages.contains(where: { $0.name == "distil" }) { options.distillation.steps = 0 }
    if stages.allSatisfy({ $0.name == "rewrite" }) { options.stages = [.rewrite] }
    options.rewrites = stages.contains { $0.name == "rewrite" }
    return options
  }

  private func seed() throws(FormatError) -> UInt64 {
    switch json["seed"] {
    case .integer(let seed)?: return UInt64(seed)
    case .unsigned(let seed)?: return seed
    default: return 0
    }
  }
}

extension LinearAttentionSettings {
  /// The stage of a recipe.
  init(_ rewrite: RewriteSettings) {
    self.init()
    kind = rewrite.kind
    dimension = rewrite.dimension
    bias = rewrite.bias
    sharing = rewrite.sharing
    constant = rewrite.constant
    window = rewrite.window
    softmaxLayers = rewrite.keptLayers.sorted()
  }
}
