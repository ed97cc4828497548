// The feature maps of one layer while they are trained.

internal import HHCompute

/// Maps, gradients and optimiser of one layer.
final class LayerStudent {
  let maps: HedgehogMaps
  private let gradients: HedgehogMapGradients
  private let distillation = AttentionDistillation()
  private let options: AdamW.Options
  private var optimizer: WhitenedAdamW?
  private let scale: Float
  private let clipping: Double?

  /// Fresh maps, starting at the identity.
  init(_ attention: Attention, featureSize: Int, recipe: DistillationRecipe) {
    maps = HedgehogMaps(
      queryHeads: attention.headCount, keyHeads: attention.keyValueHeadCount,
      headSize: attention.headSize, projectionSize: featureSize)
    gradients = HedgehogMapGradients(like: maps)
    options = AdamW.Options(
      beta1: DistillationRecipe.momentDecays.first, beta2: DistillationRecipe.momentDecays.second,
      weightDecay: recipe.weightDecay)
    scale = attention.scale
    clipping = recipe.clipping
  }

  /// Whether every parameter is a number: kernels may turn NaN into a loss that looks like one.
  var isFinite: Bool {
    maps.parameters.allSatisfy { $0.values.allSatisfy(\.isFinite) }
  }

  /// How far the student's weights are from the teacher's, per query head.
  func measure(_ batch: QueryKey) -> DistillationLoss { loss(batch, .all, .lossOnly) }

  /// One optimiser step from some of the batch's queries; returns the loss before it, zeros unless
  /// `measuring`.
  ///
  /// The batch of the first step also tells how queries and keys are distributed.
  func step(
    _ batch: QueryKey, sample: QuerySample = .all, rate: Double, measuring: Bool
  ) -> DistillationLoss {
    let optimizer =
      self.optimizer
      ?? WhitenedAdamW(maps, q: batch.query, k: batch.key, options: options)
    self.optimizer = optimizer
    let loss = loss(batch, sample, measuring ? .both : .gradientOnly)
    optimizer.step(
      gradients: gradients, rate: rate,
      gradientScale: clipping.map {
        clippingScale(norm: norm(gradients.parameters), limit: $0)
      } ?? 1)
    return loss
  }

  private func loss(
    _ batch: QueryKey, _ sample: QuerySample, _ measure: AttentionDistillation.Measure
  ) -> DistillationLoss {
    distillation.lossAndGradient(
      q: batch.query, k: batch.key, shape: batch.shape, scale: scale, maps: maps, sample: sample,
      gradients: gradients, measure: measure)
  }
}
