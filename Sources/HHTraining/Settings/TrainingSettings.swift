// What a user can choose about a stage that trains.

package import HHCompute
internal import HHFormat
package import HHModel

/// A stage that trains something.
package enum TrainingStage: String, Sendable, CaseIterable {
  /// Feature maps learn to reproduce a teacher's attention weights, layer by layer.
  case distil
  /// A converted model learns its task, or its teacher's answers.
  case finetune
  /// A model learns its task without a teacher.
  case train
}

/// How a stage trains: what a user asked for. `TrainingPlan` has what follows from it.
package struct TrainingSettings: Sendable, Equatable {
  /// How the rate falls after the warm-up.
  package enum Schedule: String, SettingValue, CaseIterable {
    case constant, linear, cosine, plateau
  }
  /// What a model learns from.
  package enum Loss: String, SettingValue, CaseIterable {
    case labels
    case teacherLogits = "teacher-logits"
    case teacherHidden = "teacher-hidden"
  }
  /// Which parameters a stage that trains a whole model changes.
  package enum Parameters: String, SettingValue, CaseIterable {
    /// Every weight, the feature maps among them.
    case all
    /// The feature maps and the factors of windows; the model's own weights stay.
    case featureMaps = "feature-maps"
  }
  /// How long a stage trains.
  package enum Length: Sendable, Equatable {
    /// Optimiser steps, of distillation per layer.
    case steps(Int)
    /// Passes over the rows.
    case epochs(Double)
  }

  /// The stage.
  package let stage: TrainingStage
  /// Classes of a new classifier in place of a checkpoint's heads; nil keeps them.
  package var classes: Int?
  /// Steps or epochs.
  package var length = Length.steps(100)
  /// Rows per batch.
  package var batchSize = 8
  /// Most distinct rows of distillation; nil means as many as hold `positionLimit` positions, and
  /// with epochs all.
  package var rowLimit: Int?
  /// Batches per step, whose gradients are added up.
  package var accumulation = 1
  /// AdamW's highest learning rate; nil only in distillation, which chooses it by the heads' size.
  package var learningRate: Double?
  /// What the rate does after its warm-up.
  package var schedule = Schedule.linear
  /// How a plateau of the held-out loss lowers the rate, where that is the schedule.
  package var plateau: PlateauSettings?
  /// When training ends before its last step; nil takes every step.
  package var earlyStop: EarlyStopSettings?
  /// Steps over which the rate rises; in distillation at most a tenth of all.
  package var warmUpSteps = 0
  /// Largest norm of the gradients: longer ones are scaled down to it; nil for any.
  package var clip: Double?
  /// AdamW's weight decay.
  package var weightDecay = 0.0
  /// The factors of distillation's losses.
  package var factors = AttentionDistillation.Factors()
  /// What the model learns from; nil is the data's own labels where there are any, else the
  /// unconverted model's answers.
  package var loss: Loss?
  /// Which parameters are trained where there are no adapters.
  package var parameters = Parameters.all
  /// Adapters to train in place of all weights; nil trains what `parameters` says.
  package var lora: LowRankSettings?
  /// What the factors of matrix products are rounded to, the student's and the teacher's.
  package var precision = PrecisionSetting.float32
  /// Longest time of distillation in seconds: fewer steps are taken where need be.
  package var budget: Double?

  /// The default settings of a stage.
  package init(_ stage: TrainingStage) {
    self.stage = stage
    switch stage {
    case .distil: warmUpSteps = 10
    // The rate at which vit-mnist and gpt2-mini did best in the PyTorch reference.
    case .finetune: (learningRate, clip) = (3e-4, 1)
    case .train: (learningRate, clip, schedule, loss) = (1e-3, 1, .cosine, .labels)
    }
  }

  /// Optimiser steps; nil where there are epochs, and setting nil changes nothing.
  package var steps: Int? {
    get { if case .steps(let steps) = length { steps } else { nil } }
    set { if let newValue { length = .steps(newValue) } }
  }

  /// Passes over the rows; nil where there are steps, and setting nil changes nothing.
  package var epochs: Double? {
    get { if case .epochs(let epochs) = length { epochs } else { nil } }
    set { if let newValue { length = .epochs(newValue) } }
  }

  /// Whether there is anything to do.
  package var isEnabled: Bool { length != .steps(0) }

  /// Which parameters are trained, in a stage that trains a whole model.
  package var trained: ParameterSelection {
    lora.map { .adapters($0) } ?? (parameters == .all ? .everything : .featureMaps)
  }
}

extension TrainingSettings: SettingGroup {
  package var stageName: String? { stage.rawValue }

  package var settings: [Setting<Self>] {
    let length: [Setting<Self>] = [
      Setting(
        "classes", \.classes, limits: .range(2...65_536),
        when: stage == .train,
        help: "Classes of a new classifier in place of a checkpoint's heads, which no decoder gets",
        otherwise: "its own heads"),
      Setting(
        "steps", \.steps, option: option("steps"), value: "steps", limits: .range(0...10_000_000),
        default: .null,
        help: stage == .distil
          ? "Optimiser steps per layer"
          : stage == .finetune
            ? "Optimiser steps that train the whole model after distillation" : "Optimiser steps"),
      Setting(
        "epochs", \.epochs, limits: ["exclusiveMinimum": 0, "maximum": 100_000],
        help: "Passes over the data, in place of steps"),
      Setting(
        "batch", \.batchSize, option: "batch", value: "rows", limits: .range(1...65_536),
        help: "Rows per step"),
      Setting(
        "rows", \.rowLimit, option: "rows", limits: .range(1...1_000_000_000),
        when: stage != .train, help: "Most distinct rows to train on",
        otherwise: stage == .distil
          ? "16,384 positions of them, with epochs all" : "as many as the steps take"),
      Setting(
        "accumulation", \.accumulation, limits: .range(1...65_536),
        when: stage != .distil, help: "Batches per step, their gradients added up"),
    ]
    let rate: [Setting<Self>] = [
      Setting(
        "learning_rate", \.learningRate, option: option("lr"), value: "rate",
        limits: ["exclusiveMinimum": 0],
        isNullable: stage == .distil,
        help: "Highest learning rate" + (stage == .finetune ? " of finetuning" : ""),
        otherwise: stage == .distil ? "3.2 divided by the size of a head, at most 0.4" : nil),
      Setting("schedule", \.schedule, help: "How the rate falls after the warm-up"),
      Setting(
        "plateau", \.plateau,
        help: "How the schedule of that name lowers the rate when the held-out loss no longer"
          + " falls"),
      Setting(
        "early_stop", \.earlyStop,
        help: "Ends the stage when the held-out loss has had no new best for some measurements;"
          + " its best weights are kept"),
      Setting(
        "warm_up", \.warmUpSteps, limits: .range(0...10_000_000),
        help: "Steps in which the rate rises" + (stage == .distil ? "; at most a tenth of all" : "")
      ),
      Setting(
        "clip", \.clip, limits: ["exclusiveMinimum": 0], help: "Largest norm of the gradients",
        otherwise: "any"),
      Setting(
        "weight_decay", \.weightDecay, limits: ["minimum": 0, "maximum": 1],
        help: "AdamW's decay of the weights"),
    ]
    let goal: [Setting<Self>] = [
      Setting(
        "loss.attention_weights", \.factors.weights, limits: ["minimum": 0],
        when: stage == .distil,
        help: "Factor of the soft cross-entropy of the attention weights in the loss"),
      Setting(
        "loss.attention_outputs", \.factors.outputs, limits: ["minimum": 0],
        when: stage == .distil,
        help: "Factor of the mean squared error of the heads' outputs in the loss"),
      Setting(
        "loss", \.loss, option: option("loss"), value: "loss", when: stage == .finetune,
        help: "What finetuning learns from, a decoder's labels being its next tokens",
        otherwise: "labels where there are any"),
      Setting(
        "parameters", \.parameters, option: option("parameters"), value: "which",
        when: stage == .finetune,
        help: "What finetuning trains: all weights, or the feature maps and the window's factors"
          + " alone, which leaves the model's own weights as they are"),
      Setting(
        "lora", \.lora, option: "lora", value: "rank", when: stage == .finetune,
        help: "Low-rank adapters (LoRA) on the projections of attention to train, with the feature"
          + " maps, in place of all weights; on a command line their rank",
        otherwise: "all weights"),
      Setting(
        "precision", \.precision, option: "precision",
        help: "What the factors of matrix products are rounded to in training, bfloat16 being"
          + " faster where oneDNN is installed and the processor has units for it; auto times"
          + " both, and takes bfloat16 where it is faster by a quarter"),
      Setting(
        "budget", \.budget, option: "budget", value: "time", limits: ["exclusiveMinimum": 0],
        when: stage == .distil,
        help:
          "Longest time for distillation in seconds (on a command line also 10m or 1h30m): fewer"
          + " steps if need be",
        otherwise: "any"),
    ]
    return length + rate + goal
  }

  /// An option's name: finetuning's has a prefix, since distillation has options of the same names.
  private func option(_ name: String) -> String { stage == .finetune ? "finetune-" + name : name }
}

extension TrainingSettings {
  /// What is wrong with adapters beside parameters that leave no weight to adapt.
  package static var adaptersAlone: String {
    "expected '\(Parameters.all.rawValue)' beside adapters, found"
      + " '\(Parameters.featureMaps.rawValue)'"
  }

  /// Refuses fewer steps than the warm-up has, and adapters where only feature maps are trained.
  ///
  /// - Throws: `PipelineError.invalidSetting`.
  package func requireConsistency() throws(PipelineError) {
    if lora != nil, parameters == .featureMaps {
      throw .invalidSetting(key(\.parameters), problem: Self.adaptersAlone)
    }
    guard stage != .distil, let steps, steps > 0, steps < warmUpSteps else { return }
    throw .invalidSetting(
      key(\.steps),
      problem: "expected at least the \(warmUpSteps) steps of the recipe's 'warm_up', found"
        + " \(steps)\nhint: a lower 'warm_up' in the recipe's stage allows fewer")
  }
}
