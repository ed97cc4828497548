// The stages of a recipe with their settings; schemas/recipe.schema.json describes each of them.

package import HHCompute
package import HHFormat

/// One stage of a recipe.
package enum RecipeStage: Sendable, Equatable {
  case rewrite(RewriteSettings)
  case distil(TrainingSettings, DistillationSettings)
  case finetune(TrainingSettings, FinetuningSettings)
  case train(TrainingSettings, accumulation: Int, classes: Int?)
  case evaluate(EvaluationSettings)

  /// The stage's name in a recipe.
  package var name: String {
    switch self {
    case .rewrite: "rewrite"
    case .distil: "distil"
    case .finetune: "finetune"
    case .train: "train"
    case .evaluate: "evaluate"
    }
  }
}

/// How attention is rewritten.
package struct RewriteSettings: Sendable, Equatable {
  /// The feature map's function.
  package let kind: FeatureMapKind
  /// Features before negation; nil is the size of a head.
  package let dimension: Int?
  /// Whether the maps have a bias.
  package let bias: Bool
  /// What has a key map of its own.
  package let sharing: FeatureMapDescription.Sharing
  /// The constant of maps that have one; nil is each one's own.
  package let constant: Double?
  /// Nearest keys that keep their softmax weights; nil for none.
  package let window: Int?
  /// Blocks that keep softmax attention.
  package let keptLayers: [Int]
}

/// What every training stage can choose.
package struct TrainingSettings: Sendable, Equatable {
  /// How the rate falls after the warm-up.
  package enum Schedule: String, Sendable, CaseIterable {
    case constant, linear, cosine, plateau
  }
  /// How the schedule of that name lowers the rate when the held-out loss no longer falls.
  package struct Plateau: Sendable, Equatable {
    /// What the rate is multiplied by.
    package var factor = 0.1
    /// Measurements without progress to wait.
    package var patience = 10
    /// The rate it stops at.
    package var minimum = 1e-5
    /// Steps between measurements.
    package var interval = 100
  }
  /// When a stage ends before its last step; the weights of its best measurement are kept.
  package struct EarlyStop: Sendable, Equatable {
    /// Measurements without a new best of the held-out loss to wait.
    package var patience = 3
    /// Steps between measurements.
    package var interval = 100
  }

  /// Optimiser steps; nil where there are epochs.
  package let steps: Int?
  /// Passes over the data; nil where there are steps.
  package let epochs: Double?
  /// Rows at a time.
  package let batchSize: Int
  /// The highest learning rate; nil lets the stage choose.
  package let learningRate: Double?
  package let schedule: Schedule
  /// Set where the schedule is `plateau`.
  package let plateau: Plateau?
  /// Nil takes every step.
  package let earlyStop: EarlyStop?
  /// Steps in which the rate rises.
  package let warmUpSteps: Int
  /// Largest norm of the gradients; nil for any.
  package let clip: Double?
  /// AdamW's decay of the weights.
  package let weightDecay: Double
  /// What the factors of the products of linear maps are rounded to, teacher's and student's.
  package let precision: ProductPrecision
}

/// What only distillation chooses.
package struct DistillationSettings: Sendable, Equatable {
  /// Most distinct rows; nil is as many as hold 16,384 positions.
  package let rowLimit: Int?
  /// Longest time in seconds.
  package let budget: Double?
  /// Factors of the losses on attention weights and on the heads' outputs.
  package let weightsFactor: Double
  package let outputsFactor: Double
}

/// What only finetuning chooses.
package struct FinetuningSettings: Sendable, Equatable {
  /// What the model learns from.
  package enum Loss: String, Sendable, CaseIterable {
    case labels
    case teacherLogits = "teacher-logits"
    case teacherHidden = "teacher-hidden"
  }
  /// Low-rank adapters: y = W x + alpha / rank · B A x.
  package struct LoRA: Sendable, Equatable {
    package let rank: Int
    package let alpha: Double
    /// Share of the adapter's inputs left out.
    package let dropout: Double
    /// The matrices that get one: query, key, value, output, gate, up, down.
    package let targets: [String]
  }

  /// Batches per step.
  package let accumulation: Int
  /// Nil is the data's own labels where there are any, else the softmax model's answers.
  package let loss: Loss?
  /// Nil trains all weights.
  package let lora: LoRA?

  /// Takes every member as it is.
  package init(accumulation: Int, loss: Loss?, lora: LoRA?) {
    (self.accumulation, self.loss, self.lora) = (accumulation, loss, lora)
  }
}

/// What is measured.
package struct EvaluationSettings: Sendable, Equatable {
  /// The kind of measurement.
  package enum Task: String, Sendable, CaseIterable {
    case lm, classification, sts, glue, summarise
  }

  package let task: Task
  /// Rows to measure on; nil is the recipe's held-out ones.
  package let data: String?
  /// Most rows; nil is all.
  package let rowLimit: Int?
  /// Tokens per row, or most tokens of a text; nil is the recipe's.
  package let length: Int?

  /// A measurement of all rows at the recipe's length, unless told otherwise.
  package init(task: Task, data: String?, rowLimit: Int? = nil, length: Int? = nil) {
    (self.task, self.data, self.rowLimit, self.length) = (task, data, rowLimit, length)
  }
}
