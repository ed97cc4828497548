// The settings of attention-weight distillation, with their defaults.

internal import Glibc
package import HHCompute
package import HHFormat

/// How feature maps are trained to mimic a teacher's attention weights.
package struct DistillationRecipe: Sendable, Equatable {
  /// Optimiser steps per layer.
  package var steps = 100
  /// Passes over the distinct rows, in place of `steps`.
  package var epochs: Double?
  /// Sequences or images per step.
  package var batchSize = 8
  /// AdamW's highest learning rate; nil chooses it by the size of the heads: see `peakRate`.
  package var learningRate: Double?
  /// What the rate does after its warm-up.
  package var decay = TrainingSettings.Schedule.linear
  /// Steps over which the rate rises; at most a tenth of all.
  package var warmUpSteps = 10
  /// How a plateau of a layer's held-out KL lowers its rate, where `decay` says so.
  package var plateau: TrainingSettings.Plateau?
  /// When a layer is done before its last step; nil takes every step.
  package var earlyStop: TrainingSettings.EarlyStop?
  /// Longest gradient of a layer: a longer one is scaled down to it; nil for any.
  package var clipping: Double?
  /// AdamW's weight decay.
  package var weightDecay = 0.0
  /// Of the teacher's matrix products.
  package var precision = ProductPrecision.float32
  /// What the loss is made of.
  package var loss = AttentionDistillation.Factors()
  /// Most distinct rows to train on; nil means as many as hold `positionLimit` positions, and with
  /// epochs all.
  package var rowLimit: Int?
  /// Seed of the order of the training rows.
  package var seed: UInt64 = 0
  /// Wall time that the stage may take, in seconds; fewer steps are run where `steps` would take
  /// longer.
  package var budget: Double?

  /// Distinct positions that are enough: on a real BERT four times as many lower the KL by a
  /// fiftieth, and the teacher has to read all of them.
  package static let positionLimit = 16_384
  /// AdamW's decays of its two moments: its memory is shorter than usual, since a run has few steps: on a real BERT
  /// 0.5 and 0.9 reach in 100 steps what 0.9 and 0.99 reach in 200.
  static let momentDecays = (first: 0.5, second: 0.9)
  /// Queries per step and head that tell the direction well enough, where heads are narrow.
  private static let queryCount = 256
  /// The same, for each dimension of wider heads.
  private static let queriesPerDimension = 8
  /// Least queries of a sequence, where it has them: the features of its keys cost as much as the
  /// rest of a step does for so many.
  private static let leastQueries = 32

  /// Creates a recipe with the defaults.
  package init() {}

  /// The stage of a recipe.
  package init(_ training: TrainingSettings, _ distillation: DistillationSettings) {
    steps = training.steps ?? 0
    epochs = training.epochs
    batchSize = training.batchSize
    learningRate = training.learningRate
    decay = training.schedule
    plateau = training.plateau
    earlyStop = training.earlyStop
    warmUpSteps = training.warmUpSteps
    clipping = training.clip
    weightDecay = training.weightDecay
    precision = training.precision
    rowLimit = distillation.rowLimit
    loss = .init(weights: distillation.weightsFactor, outputs: distillation.outputsFactor)
    budget = distillation.budget
  }

  /// The highest learning rate for heads of a size.
  ///
  /// Wider heads add more weights up in each feature, so the rate falls in proportion: on real
  /// models 0.1 is best for heads of 32, and 0.4 for heads of 8.
  package func peakRate(headSize: Int) -> Double {
    learningRate ?? min(0.4, 3.2 / Double(headSize))
  }

  /// The learning rates of a layer with heads of a size, over `steps` steps.
  func rates(headSize: Int, steps: Int) -> RateControl {
    RateControl(
      peak: peakRate(headSize: headSize), decay: decay,
      warmUpSteps: min(warmUpSteps, steps / 10), steps: steps, plateau: plateau,
      earlyStop: earlyStop)
  }

  /// The queries that step `step` trains on: of a large batch every second, third and so on, a
  /// different set from step to step.
  package func sample(step: Int, of shape: AttentionShape, headSize: Int) -> QuerySample {
    let wanted = max(Self.queryCount, Self.queriesPerDimension * headSize)
    let stride = max(
      1, min(shape.validPositions / wanted, shape.length / Self.leastQueries))
    return QuerySample(first: step % stride, step: stride)
  }

  /// Distinct rows of a length to train on.
  package func rowCount(length: Int) -> Int {
    if epochs != nil { return rowLimit ?? .max }
    let limit = rowLimit ?? max(batchSize, Self.positionLimit / length)
    return max(1, min(steps * batchSize, limit))
  }

  /// Steps that `rowCount` distinct rows ask for.
  package func stepCount(rowCount: Int) -> Double {
    epochs.map { ceil($0 * Double(rowCount) / Double(batchSize)) } ?? Double(steps)
  }

  /// The settings that shape a result, for keys of conversions.
  package var json: JSONObject {
    var object: JSONObject = [
      "steps": .integer(steps), "epochs": epochs.map { .number($0) } ?? .null,
      "batch": .integer(batchSize),
      "rows": JSONValue(rowLimit),
      "learning_rate": learningRate.map { .number($0) } ?? .null,
      "schedule": .string(decay.rawValue), "warm_up": .integer(warmUpSteps),
      "plateau": plateau?.json ?? .null, "early_stop": earlyStop?.json ?? .null,
      "clip": clipping.map { .number($0) } ?? .null, "weight_decay": .number(weightDecay),
      "loss": .object([
        "attention_weights": .number(loss.weights), "attention_outputs": .number(loss.outputs),
      ]),
      "budget": budget.map { .number($0) } ?? .null,
    ]
    // Left out where it is what conversions had before there was a choice: their keys stay.
    if precision != .float32 { object["precision"] = .string(precision.rawValue) }
    return object
  }
}

extension TrainingSettings.Plateau {
  /// The settings under the names that recipes have for them.
  var json: JSONValue {
    .object([
      "factor": .number(factor), "patience": .integer(patience),
      "minimum": .number(minimum), "interval": .integer(interval),
    ])
  }
}

extension TrainingSettings.EarlyStop {
  /// The settings under the names that recipes have for them.
  var json: JSONValue {
    .object(["patience": .integer(patience), "interval": .integer(interval)])
  }
}
