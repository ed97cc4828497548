// The feature maps of one layer while they are trained.

internal import HHCompute

/// Maps, gradients and optimiser of one layer.
final class LayerStudent {
  let maps: HedgehogMaps
  private let gradients: HedgehogMapGradients
  private let distillation = AttentionDistillation()
  private let optimizer: AdamW
  private let scale: Float
  private let clipping: Double?

  /// Fresh maps, starting at the identity.
  init(_ attention: Attention, featureSize: Int, recipe: DistillationRecipe) {
    maps = HedgehogMaps(
      queryHeads: attention.headCount, keyHeads: attention.keyValueHeadCount,
      headSize: attention.headSize, projectionSize: featureSize)
    gradients = HedgehogMapGradients(like: maps)
    optimizer = AdamW(
      maps.parameters,
      options: .init(
        beta2: DistillationRecipe.secondMomentDecay, weightDecay: recipe.weightDecay))
    scale = attention.scale
    clipping = recipe.clipping
  }

  /// Whether every parameter is a number: kernels may turn NaN into a loss that looks like one.
  var isFinite: Bool {
    maps.parameters.allSatisfy { $0.values.allSatisfy(\.isFinite) }
  }

  /// How far the student's weights are from the teacher's, per query head.
  func measure(_ batch: QueryKey) -> DistillationLoss { loss(batch, .lossOnly) }

  /// One optimiser step; returns the loss before it, zeros unless `measuring`.
  func step(_ batch: QueryKey, rate: Double, measuring: Bool) -> DistillationLoss {
    let loss = loss(batch, measuring ? .both : .gradientOnly)
    let parts = gradients.parameters
    optimizer.step(
      gradients: parts, rate: rate,
      gradientScale: clipping.map { clippingScale(norm: norm(parts), limit: $0) } ?? 1)
    return loss
  }

  private func loss(_ batch: QueryKey, _ measure: AttentionDistillation.Measure)
    -> DistillationLoss
  {
    distillation.lossAndGradient(
      q: batch.query, k: batch.key, shape: batch.shape, scale: scale, maps: maps,
      gradients: gradients, measure: measure)
  }
}
