// What long work on a model tells its caller while it runs: training, writing, exporting.

package import HHFormat

/// A step forward of long work.
package enum ProgressEvent: Sendable {
  /// A stage began: `sample`, `distil`, `choose`, `finetune`, `train`, `evaluate`,
  /// `diagnose` or `write`.
  case stage(String)
  /// Tokens of the teacher's own text drawn so far.
  case sampled(tokens: Int, of: Int)
  /// A distillation step was taken.
  case step(StepProgress)
  /// The held-out rows were measured during training.
  case measured(Measurement)
  /// A layer was trained.
  case layerFinished(DistilledLayer, of: Int)
  /// The layers were chosen that keep their softmax.
  case kept(softmaxLayers: [Int])
  /// A finetuning step was taken.
  case finetuneStep(FinetuneProgress)
  /// Finetuning is done.
  case finetuned(FinetuneSummary)
  /// Tensor bytes written so far, before compression.
  case written(bytes: Int, of: Int)
  /// Tensor bytes compared so far: of an export with what was meant, of what is packed with its base.
  case verified(bytes: Int, of: Int)
  /// Something the user should know, in one sentence.
  case warning(SettingText)
}

/// Receives events; throwing from it ends the work with nothing written.
package typealias ProgressReport = (ProgressEvent) throws -> Void

/// Where distillation stands.
package struct StepProgress: Sendable, Equatable {
  package let layer: Int
  package let layerCount: Int
  /// Steps taken in this layer.
  package let step: Int
  package let steps: Int
  /// Soft cross-entropy of the last measured batch, in nats.
  package let loss: Double
  /// Training tokens per second of the whole stage, a token counted once for all layers: what is
  /// left counts as the estimate has it.
  package let tokensPerSecond: Double
  /// Estimated seconds until the stage ends.
  package let secondsLeft: Double
}

/// Where finetuning stands.
package struct FinetuneProgress: Sendable, Equatable {
  /// `finetune`, or `train` for a new model.
  package let stage: String
  /// Steps taken.
  package let step: Int
  package let steps: Int
  /// Loss of the step's batch.
  package let loss: Double
  /// Length of the gradient before clipping.
  package let gradientNorm: Double
  /// Learning rate of the step.
  package let rate: Double
  /// Training positions per second.
  package let tokensPerSecond: Double
  /// Estimated seconds until the stage ends.
  package let secondsLeft: Double
}

/// A loss of held-out rows between two steps.
package struct Measurement: Sendable, Equatable {
  /// `distil` or `finetune`.
  package let stage: String
  /// The layer; nil where the whole model is trained.
  package let layer: Int?
  /// Steps taken.
  package let step: Int
  /// Mean KL of the layer in nats, or the loss of the model.
  package let loss: Double
  /// The KL of each query head; empty where the whole model is trained.
  package let perHead: [Double]
}

/// What finetuning reached, in numbers.
package struct FinetuneSummary: Sendable, Equatable {
  /// What the model was trained to do, in a word.
  package let objective: String
  /// Whether that is to answer as the unconverted model does, from which the loss is a distance.
  package let asksTeacher: Bool
  /// Held-out loss before, after, and of the unconverted model where it has one.
  package let lossBefore: Double
  package let lossAfter: Double
  package let teacherLoss: Double?
  package let steps: Int
  /// Values that were trained.
  package let parameterCount: Int
  /// Training positions in all.
  package let tokens: Int
  /// Training positions per second.
  package let tokensPerSecond: Double
}
