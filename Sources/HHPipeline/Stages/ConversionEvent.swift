// What a conversion tells its caller while it runs.

/// A step forward of a conversion.
package enum ConversionEvent: Sendable {
  /// Weights and data are about to be read, for which some seconds may pass before the plan.
  case reading(ConversionInputs)
  /// The work is known and about to begin.
  case planned(ConversionPlan)
  /// A stopped run goes on from a checkpoint; nil where it stopped before the first.
  case resumed(checkpoint: String?)
  /// A stage began: `read`, `sample`, `distil`, `finetune`, `evaluate` or `write`.
  case stage(String)
  /// Tokens of the teacher's own text drawn so far.
  case sampled(tokens: Int, of: Int)
  /// A distillation step was taken.
  case step(StepProgress)
  /// The held-out rows were measured during training.
  case measured(Measurement)
  /// A layer was trained.
  case layerFinished(DistilledLayer, of: Int)
  /// A finetuning step was taken.
  case finetuneStep(FinetuneProgress)
  /// Finetuning is done.
  case finetuned(FinetuneSummary)
  /// The model was measured on a task.
  case evaluated(EvaluationResult)
  /// Tensor bytes of the artifact written so far, before compression.
  case written(bytes: Int, of: Int)
  /// Tensor bytes of an export read back and compared so far.
  case verified(bytes: Int, of: Int)
  /// Something the user should know, in one sentence.
  case warning(String)
  /// A run ended early, for this reason.
  case failed(String)
  /// The conversion is done.
  case summary(ConversionSummary)
}

/// What a conversion reads before it begins.
package struct ConversionInputs: Sendable, Equatable {
  /// The checkpoint, as it was named.
  package let source: String
  package let architecture: String
  package let parameterCount: Int
  /// The files of training and held-out rows; empty where the rows are made up.
  package let data: [String]
}

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

/// What a model was worth on a task at one point of a conversion.
package struct EvaluationResult: Sendable, Equatable {
  /// The task, as recipes name it.
  package let task: String
  /// The stage before it.
  package let after: String
  /// What was measured on, in words.
  package let data: String
  package let figures: [EvaluationFigure]
}

/// What a finished conversion gives back.
package struct ConversionSummary: Sendable, Equatable {
  package let output: String
  /// What was trained; nil where nothing was.
  package let training: Training?
  /// Wall time of the whole conversion.
  package let seconds: Double
  /// Highest resident memory of the process.
  package let peakMemory: Int
  /// Bytes of the artifact and of its tensors uncompressed.
  package let artifactBytes: Int
  package let rawBytes: Int

  /// What distillation reached.
  package struct Training: Sendable, Equatable {
    /// Mean KL(teacher ‖ student) over layers on held-out rows, right after the rewrite.
    package let klBefore: Double
    /// The same after distillation.
    package let klAfter: Double
    /// Training tokens per second of distillation, a token counted once for all layers; 0 where a
    /// resumed run did not do all of it.
    package let tokensPerSecond: Double
    package let steps: Int
    package let layers: [DistilledLayer]
    /// What finetuning reached afterwards; nil where there was none.
    package let finetuning: FinetuneSummary?
    /// What evaluations between and after gave.
    package let evaluations: [EvaluationResult]
  }
}

/// What finetuning reached, in numbers.
package struct FinetuneSummary: Sendable, Equatable {
  /// What the model was trained to do, in a word.
  package let objective: String
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

  init(_ result: FinetuneResult) {
    objective = result.objective.word
    (lossBefore, lossAfter) = (result.lossBefore, result.lossAfter)
    teacherLoss = result.teacherLoss
    (steps, parameterCount) = (result.steps, result.parameters.count)
    (tokens, tokensPerSecond) = (result.tokens, result.tokensPerSecond)
  }
}

/// Receives events; throwing from it ends the conversion with nothing written.
package typealias ProgressReport = (ConversionEvent) throws -> Void
