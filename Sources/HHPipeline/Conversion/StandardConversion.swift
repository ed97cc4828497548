// What a model is converted with where no recipe is named.

package import HHFormat
internal import HHModel
internal import HHTraining

/// How much work a conversion without a recipe is worth.
package enum Effort: String, Sendable, CaseIterable {
  case quick, normal, best

  /// What the steps of every stage are multiplied by.
  fileprivate var factor: Double {
    switch self {
    case .quick: 0.25
    case .normal: 1
    case .best: 4
    }
  }
}

extension ConversionOptions {
  /// The recipe of decoders.
  private static let decoderRecipe = "hybrid"
  /// Positions of a batch of that recipe.
  private static let batchPositions = 2048

  /// The settings for a model of which nothing else is said.
  ///
  /// Measured on SmolLM2-135M, a decoder without a window and without a finish on its softmax self's
  /// answers is destroyed, whatever its maps have learnt; docs/quality.md has the figures.
  ///
  /// - Parameters:
  ///   - model: A checkpoint. What is wrong with it is for the conversion to tell.
  ///   - configuration: A configuration in place of the model's own.
  ///   - base: The model that an adapter in `model` was trained on.
  ///   - threads: Threads to use.
  /// - Returns: The settings, and whether they are those of decoders.
  package static func standard(
    model: String, configuration: String? = nil, base: String? = nil, threads: Int
  ) throws(FormatError) -> (options: ConversionOptions, isDecoder: Bool) {
    let plain = ConversionOptions(model: model, threads: threads)
    guard
      let checkpoint = try? Checkpoint(opening: model, configuration: configuration, base: base),
      let names = try? NameMap(checkpoint), let graph = try? Graph(names),
      graph.hasLanguageModelHead
    else { return (plain, false) }
    var options = try Recipe.named(decoderRecipe).options(model: model, threads: threads)
    options.length = min(options.length ?? graph.maximumLength, graph.maximumLength)
    return (options, true)
  }

  /// Takes as many rows per step as hold the positions of a usual one, after the length was chosen.
  package mutating func fitBatches() {
    let rows = max(1, Self.batchPositions / max(1, length ?? 1))
    (distillation.batchSize, finetuning.batchSize) = (rows, rows)
  }

  /// Trains less or more than usual.
  package mutating func scale(by effort: Effort) {
    func scaled(_ steps: Int) -> Int { max(1, Int((Double(steps) * effort.factor).rounded())) }
    if let steps = distillation.steps, steps > 0 { distillation.steps = scaled(steps) }
    if let steps = finetuning.steps, steps > 0 { finetuning.steps = scaled(steps) }
  }
}
