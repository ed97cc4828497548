// What a model is converted with where no recipe is named.

internal import HHCompute
internal import HHFormat
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
  /// Most of the nearest keys that keep their softmax weights in a decoder, and the share of its
  /// positions that they are at most.
  private static let decoderWindow = 512
  private static let decoderShare = 2
  /// First keys that do.
  private static let decoderSinks = 4
  /// What a decoder's maps learn: beside a window the attention's outputs. Its weights alone lead them
  /// to spread weight over far keys that the teacher gives none.
  private static let decoderFactors = AttentionDistillation.Factors(weights: 0, outputs: 1)
  /// Tokens of a decoder's rows, as far as it has positions: more than the window, since the maps learn
  /// nothing of far keys from shorter ones.
  private static let decoderLength = 1024
  /// Steps of a decoder's finish, in which its maps learn the teacher's logits together, and their
  /// rate.
  private static let finishSteps = 20
  private static let finishRate = 0.03
  /// Positions of a usual batch.
  private static let batchPositions = 2048

  /// The settings for a model of which nothing else is said: a decoder keeps near keys and the first
  /// ones, since without them it is no longer of use, whatever its maps have learnt, and has long rows,
  /// since beyond the length that it was trained at it falls apart; docs/quality.md has the figures.
  ///
  /// - Parameters:
  ///   - model: A checkpoint. What is wrong with it is for the conversion to tell.
  ///   - configuration: A configuration in place of the model's own.
  ///   - base: The model that an adapter in `model` was trained on.
  ///   - threads: Threads to use.
  /// - Returns: The settings, by which the model is converted unless options say otherwise.
  package static func standard(
    model: String, configuration: String? = nil, base: String? = nil, threads: Int
  ) -> ConversionOptions {
    var options = ConversionOptions(model: model, threads: threads)
    guard
      let checkpoint = try? Checkpoint(opening: model, configuration: configuration, base: base)
    else { return options }
    if checkpoint.artifact != nil {
      // Its maps have learnt their attention; what else they are to learn is for the user to say.
      options.distillation.steps = 0
    }
    guard let start = try? StartingPoint(checkpoint), let graph = try? Graph(start.names),
      graph.kind == .decoder
    else { return options }
    options.attention.window = min(decoderWindow, max(1, graph.maximumLength / decoderShare))
    options.attention.sinks = decoderSinks
    if let own = start.attention {
      options.attention = own
    } else if graph.hasLanguageModelHead {
      options.finetuning.steps = finishSteps
      options.finetuning.learningRate = finishRate
      options.finetuning.parameters = .featureMaps
      options.finetuning.loss = .teacherLogits
    }
    options.distillation.factors = decoderFactors
    options.length = min(decoderLength, graph.maximumLength)
    return options
  }

  /// Takes no more rows per step than hold the positions of a usual batch.
  package mutating func fitBatch() {
    guard let length else { return }
    distillation.batchSize = min(
      distillation.batchSize, max(1, Self.batchPositions / max(1, length)))
  }

  /// Gives a finish the rows and batches of distillation, whose teacher has passed them already.
  package mutating func fitFinish() {
    finetuning.batchSize = distillation.batchSize
    guard finetuning.isEnabled, let length else { return }
    finetuning.rowLimit = distillation.rowCount(length: length)
  }

  /// Trains less or more than usual.
  package mutating func scale(by effort: Effort) {
    func scaled(_ steps: Int) -> Int { max(1, Int((Double(steps) * effort.factor).rounded())) }
    if let steps = distillation.steps, steps > 0 { distillation.steps = scaled(steps) }
    if let steps = finetuning.steps, steps > 0 { finetuning.steps = scaled(steps) }
  }
}
