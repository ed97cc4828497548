// What a conversion tells its caller while it runs.

package import HHAnalysis
package import HHTraining

/// A step forward of a conversion.
package enum ConversionEvent: Sendable {
  /// Weights and data are about to be read, for which some seconds may pass before the plan.
  case reading(ConversionInputs)
  /// The work is known and about to begin.
  case planned(ConversionPlan)
  /// A stopped run is resumed from a checkpoint; nil where it stopped before the first.
  case resumed(checkpoint: String?)
  /// A stage of the work went on.
  case progress(ProgressEvent)
  /// The model was measured on a task.
  case evaluated(EvaluationResult)
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
    /// What the last of them comes to; nil for a model without a teacher.
    package let verdict: Verdict?
  }
}

/// Receives events; throwing from it ends the conversion with nothing written.
package typealias ConversionReport = (ConversionEvent) throws -> Void
