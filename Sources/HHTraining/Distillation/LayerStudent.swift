// The feature maps of one layer while they are trained.

internal import HHCompute
internal import HHModel

/// Maps, gradients and optimiser of one layer.
final class LayerStudent {
  let maps: FeatureMaps
  private let gradients: FeatureMapGradients
  private let distillation: AttentionDistillation
  private let options: AdamW.Options
  private var optimizer: WhitenedAdamW?
  private let scale: Float
  private let clipping: Double?
  /// Whether the maps begin with what they learnt before.
  private let hasLearnt: Bool

  /// Maps of a block with the values of those that have `learnt` something before, or as they start;
  /// `scale` is the factor of the teacher's scores.
  init(
    _ block: RewritePlan.Block, learnt: FeatureMaps? = nil, scale: Float, recipe: TrainingPlan
  ) {
    maps = block.maps()
    hasLearnt = learnt != nil
    for (values, source) in zip(maps.parameters, learnt?.parameters ?? []) {
      copy(source, to: values)
    }
    gradients = FeatureMapGradients(like: maps)
    distillation = AttentionDistillation(recipe.factors)
    options = AdamW.Options(
      beta1: TrainingSettings.momentDecays.first, beta2: TrainingSettings.momentDecays.second,
      weightDecay: recipe.weightDecay)
    self.scale = scale
    clipping = recipe.clip
  }

  /// Whether there is anything to train.
  var isTrained: Bool { !maps.trained.isEmpty }

  /// Whether every parameter is a number: kernels may turn NaN into a loss that looks like one.
  var isFinite: Bool { maps.isFinite }

  /// How far the student's attention is from the teacher's, per query head.
  func measure(_ batch: LayerQKV) -> DistillationLoss { loss(batch, .all, .lossOnly) }

  /// One optimiser step from some of the batch's queries; returns the loss before it, zeros unless
  /// `measuring`.
  ///
  /// The batch of the first step also tells how queries and keys are distributed, and what the window's
  /// weights are worth beside the features at the start.
  func step(
    _ batch: LayerQKV, sample: QuerySample = .all, rate: Double, measuring: Bool
  ) -> DistillationLoss {
    let optimizer = optimizer(of: batch)
    let loss = loss(batch, sample, measuring ? .both : .gradientOnly)
    let parts = gradients.parameters
    optimizer.step(
      gradients: parts, rate: rate,
      gradientScale: clipping.map { clippingScale(norm: norm(parts), limit: $0) } ?? 1)
    return loss
  }

  /// The optimiser, which the first batch begins.
  private func optimizer(of batch: LayerQKV) -> WhitenedAdamW {
    if let optimizer { return optimizer }
    if !hasLearnt {
      distillation.findWindowFactors(
        q: batch.query, k: batch.key, v: batch.value, shape: batch.shape, scale: scale, maps: maps,
        gradients: gradients)
    }
    func projected(_ x: Matrix) -> Matrix {
      maps.design.function.projected(x, length: batch.shape.length)
    }
    let optimizer = WhitenedAdamW(
      maps, q: projected(batch.query), k: projected(batch.key), options: options)
    self.optimizer = optimizer
    return optimizer
  }

  /// Parameters and what the optimiser, once begun, remembers: restore them to go on.
  var state: (buffers: [FloatBuffer], stepCount: Int) {
    (maps.trained + (optimizer?.buffers ?? []), optimizer?.stepCount ?? 0)
  }

  /// Begins the optimiser as the first step with `batch` would, as if it had done `stepCount`.
  func begin(_ batch: LayerQKV, stepCount: Int) { optimizer(of: batch).stepCount = stepCount }

  private func loss(
    _ batch: LayerQKV, _ sample: QuerySample, _ measure: AttentionDistillation.Measure
  ) -> DistillationLoss {
    distillation.lossAndGradient(
      q: batch.query, k: batch.key, v: batch.value, shape: batch.shape, scale: scale, maps: maps,
      sample: sample, gradients: gradients, measure: measure)
  }
}
