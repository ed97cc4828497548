// From a recipe to the settings of a conversion: what this version can run, and nothing else.

package import HHFormat
internal import HHModel
internal import HHTraining

extension Recipe {
  /// The settings of a conversion by this recipe, of `model` or else of the recipe's own.
  ///
  /// - Throws: `badData` where neither side names a model, or both do.
  package func options(model: String?, threads: Int) throws(FormatError) -> ConversionOptions {
    let fresh = NewModel(json: json["model"] ?? .null)
    guard fresh == nil || model == nil else {
      throw problem("model", "expected a path beside a model on the command line, found sizes")
    }
    guard let model = model ?? json["model"]?.string ?? fresh.map({ _ in "" }) else {
      throw problem("model", "expected a model here or on the command line, found none")
    }
    var options = ConversionOptions(model: model, threads: threads)
    options.read(json)
    options.rewrites = stages.contains { $0.name == "rewrite" }
    if stages.allSatisfy({ $0.name == "rewrite" }) { options.stages = [.rewrite] }
    if !stages.contains(where: { $0.name == "distil" }) { options.distillation.steps = 0 }
    for (index, stage) in stages.enumerated() {
      switch stage {
      case .rewrite(let settings): options.attention = settings
      case .training(let settings) where settings.stage == .distil: options.distillation = settings
      case .training(let settings):
        options.finetuning = settings
        if settings.stage == .train {
          options.initialWeights = fresh.map { .sizes($0) } ?? .checkpoint(path: model)
        }
      case .evaluate(let settings):
        options.evaluations.append(
          ConversionOptions.Evaluation(
            settings: settings,
            after: stages[..<index].last { $0.name != "evaluate" }?.name ?? "rewrite"))
      }
    }
    return options
  }
}
