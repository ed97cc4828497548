// The settings of finetuning, with their defaults.

internal import Glibc
package import HHCompute
package import HHFormat
package import HHModel

/// How a converted model is trained on a task, or to match its teacher, after distillation.
package struct FinetuneRecipe: Sendable, Equatable {
  /// Optimiser steps; 0 leaves the model as distillation made it.
  package var steps = 0
  /// Passes over the rows, in place of `steps`.
  package var epochs: Double?
  /// Rows per batch; nil means as many as in distillation.
  package var batchSize: Int?
  /// Batches per step, whose gradients are added up.
  package var accumulation = 1
  /// AdamW's highest learning rate.
  package var learningRate = FinetuneRecipe.defaultRate
  /// What the rate does after its warm-up.
  package var decay = TrainingSettings.Schedule.linear
  /// Steps over which the rate rises.
  package var warmUpSteps = 0
  /// AdamW's weight decay.
  package var weightDecay = 0.0
  /// Longest gradient: a longer one is scaled down to it.
  package var clipping = 1.0
  /// Of the matrix products of model and teacher.
  package var precision = ProductPrecision.float32
  /// What is trained.
  package var choice = ParameterSelection.everything
  /// What the model learns from; nil means its own task where the data say what is right, else the
  /// unconverted model.
  package var loss: FinetuningSettings.Loss?
  /// Softens logits that are matched to a teacher's.
  package var temperature = 1.0
  /// How a plateau of the held-out loss lowers the rate, where `decay` says so.
  package var plateau = TrainingSettings.Plateau()
  /// When training ends before its last step; nil takes every step.
  package var earlyStop: TrainingSettings.EarlyStop?
  /// How tokens are hidden where the model learns to fill them in; nil where it does not.
  package var masking: TokenMasking?
  /// Whether blocks are computed again in the backward pass, which saves memory.
  package var recomputesBlocks = false
  /// Whether weights that are not trained are read again for every block, which saves more.
  package var streamsWeights = false
  /// Seed of the order of rows, of adapters and of dropout.
  package var seed: UInt64 = 0

  /// The rate at which vit-mnist and gpt2-mini did best in the PyTorch reference.
  package static let defaultRate = 3e-4

  /// Creates a recipe that trains nothing.
  package init() {}

  /// Whether there is anything to do.
  package var isOn: Bool { steps > 0 || epochs != nil }

  /// Distinct rows that the steps can use at most; `batchSize` is that of distillation.
  func rowCount(batchSize: Int) -> Int {
    epochs == nil ? steps * accumulation * (self.batchSize ?? batchSize) : .max
  }

  /// Rows that the steps visit, one as often as it comes; `batchSize` is that of distillation.
  package func visits(batchSize: Int) -> Double {
    Double(steps) * Double(accumulation) * Double(self.batchSize ?? batchSize)
  }

  /// Steps that `rowCount` rows ask for; `batchSize` is that of distillation.
  package func stepCount(rowCount: Int, batchSize: Int) -> Double {
    let rowsPerStep = Double(accumulation * (self.batchSize ?? batchSize))
    return epochs.map { ceil($0 * Double(rowCount) / rowsPerStep) } ?? Double(steps)
  }

  /// Takes the steps of a command's option in place of a recipe's steps or epochs.
  ///
  /// - Throws: `invalidOption` for fewer steps than the rate takes to rise.
  package mutating func take(steps: Int, option: String) throws(PipelineError) {
    guard steps == 0 || steps >= warmUpSteps else {
      throw .invalidOption(
        name: option,
        problem: "expected at least the \(warmUpSteps) steps of the recipe's 'warm_up', found"
          + " \(steps)\nhint: a lower 'warm_up' in the recipe's stage allows fewer")
    }
    (self.steps, epochs) = (steps, nil)
  }

  /// The learning rates of the stage.
  func rates() -> RateControl {
    RateControl(
      peak: learningRate, decay: decay, warmUpSteps: warmUpSteps, steps: steps, plateau: plateau,
      earlyStop: earlyStop)
  }

  /// The stage of a recipe.
  package init(_ training: TrainingSettings, _ finetuning: FinetuningSettings) {
    steps = training.steps ?? 0
    epochs = training.epochs
    batchSize = training.batchSize
    accumulation = finetuning.accumulation
    if let rate = training.learningRate { learningRate = rate }
    decay = training.schedule
    plateau = training.plateau ?? plateau
    earlyStop = training.earlyStop
    warmUpSteps = training.warmUpSteps
    clipping = training.clip ?? .infinity
    weightDecay = training.weightDecay
    precision = training.precision
    loss = finetuning.loss
    if let lora = finetuning.lora {
      var settings = LowRankSettings()
      (settings.rank, settings.alpha, settings.dropout) = (lora.rank, lora.alpha, lora.dropout)
      settings.targets = lora.targets
      choice = .adapters(settings)
    }
  }

  /// The settings that shape a result, for manifests.
  package var json: JSONObject {
    var object: JSONObject = [
      "steps": .integer(steps), "epochs": epochs.map { .number($0) } ?? .null,
      "batch": JSONValue(batchSize),
      "accumulation": .integer(accumulation), "learning_rate": .number(learningRate),
      "decay": .string(decay.rawValue), "warm_up": .integer(warmUpSteps),
      "weight_decay": .number(weightDecay),
      "clip": clipping.isFinite ? .number(clipping) : .null,
      "loss": loss.map { .string($0.rawValue) } ?? .null,
      "temperature": .number(temperature),
    ]
    // As for distillation.
    if precision != .float32 { object["precision"] = .string(precision.rawValue) }
    if decay == .plateau { object["plateau"] = plateau.json }
    if let earlyStop { object["early_stop"] = earlyStop.json }
    if let adapters = choice.adapters {
      object["lora"] = .object([
        "rank": .integer(adapters.rank), "alpha": .number(adapters.alpha),
        "dropout": .number(adapters.dropout),
        "targets": .array(adapters.targets.map { .string($0) }),
      ])
    }
    return object
  }

  /// The objective for a model and the rows it is trained on.
  ///
  /// - Throws: `invalidOption` where model or data cannot serve it.
  package func objective(for graph: Graph, isLabelled: Bool) throws(PipelineError) -> ObjectiveKind
  {
    let own: ObjectiveKind? =
      switch graph.kind {
      case .decoder: graph.tokenHead == nil ? nil : .nextToken
      case .encoder, .image:
        if graph.classCount ?? 0 > 1, isLabelled {
          .classes
        } else {
          masking != nil && graph.tokenHead != nil ? .maskedTokens : nil
        }
      }
    let hasLogits = graph.tokenHead != nil || graph.classifier != nil
    switch loss {
    case .labels?:
      if let own { return own }
      let expected =
        graph.kind == .decoder
        ? "a decoder with a head" : "a classifier of two classes or more, and labels"
      throw problem(.labels, "\(expected), found none in this model or its data")
    case .teacherLogits?:
      if hasLogits { return .teacherLogits }
      throw problem(.teacherLogits, "a model with a head, found one without")
    case .teacherHidden?: return .teacherStates
    case nil:
      // The logits of a whole vocabulary say more than states, but an encoder's users read states.
      return own ?? (graph.kind == .image && hasLogits ? .teacherLogits : .teacherStates)
    }
  }

  /// The objective of training without a teacher: the labels, whatever they are.
  ///
  /// - Throws: `invalidOption` naming the recipe's key that is to blame.
  package func trainingObjective(
    for graph: Graph, isLabelled: Bool
  ) throws(PipelineError) -> ObjectiveKind {
    do throws(PipelineError) {
      return try objective(for: graph, isLabelled: isLabelled)
    } catch {
      if graph.classifier != nil {
        throw .invalidOption(
          name: "key 'data'", problem: "expected rows with labels for the classifier, found none")
      }
      throw .invalidOption(
        name: "key 'model'",
        problem: "expected a model with a head that can be trained, found one without"
          + (graph.kind == .decoder
            ? "" : "\nhint: 'classes' in the stage 'train' gives it a classifier"))
    }
  }

  private func problem(_ loss: FinetuningSettings.Loss, _ expected: String) -> PipelineError {
    .invalidOption(
      name: "--finetune-loss", problem: "expected for '\(loss.rawValue)' \(expected)")
  }
}

extension ObjectiveKind {
  /// The objective in the words of manifests and events.
  package var word: String {
    switch self {
    case .nextToken: "next-token"
    case .maskedTokens: "masked-tokens"
    case .classes: "classes"
    case .values: "values"
    case .teacherLogits: "teacher-logits"
    case .teacherStates: "teacher-hidden"
    }
  }
}
