// The settings of finetuning, with their defaults.

internal import HHCompute
internal import HHFormat

/// How a converted model is trained on a task, or to match its teacher, after distillation.
package struct FinetuneRecipe: Sendable, Equatable {
  /// What the learning rate does after its warm-up.
  package enum Decay: String, Sendable, CaseIterable {
    case constant, linear, cosine
    /// Falls when the held-out loss stops falling.
    case plateau
  }

  /// Optimiser steps; 0 leaves the model as distillation made it.
  package var steps = 0
  /// Rows per batch; nil means as many as in distillation.
  package var batchSize: Int?
  /// Batches per step, whose gradients are added up.
  package var accumulation = 1
  /// AdamW's highest learning rate.
  package var learningRate = FinetuneRecipe.defaultRate
  /// What the rate does after its warm-up.
  package var decay = Decay.linear
  /// Steps over which the rate rises.
  package var warmUpSteps = 0
  /// AdamW's weight decay.
  package var weightDecay = 0.0
  /// Longest gradient: a longer one is scaled down to it.
  package var clipping = 1.0
  /// What is trained.
  package var choice = TrainableChoice.everything
  /// What the model is trained to do; nil chooses by the model and the data.
  package var objective: ObjectiveKind?
  /// Softens logits that are matched to a teacher's.
  package var temperature = 1.0
  /// Steps between measurements of the held-out loss; nil means at the beginning and the end, and
  /// ten times in between where the rate depends on it.
  package var measuringInterval: Int?
  /// Whether blocks are computed again in the backward pass, which saves memory.
  package var recomputesBlocks = false
  /// Seed of the order of rows, of adapters and of dropout.
  package var seed: UInt64 = 0

  /// The rate at which vit-mnist and gpt2-mini did best in the PyTorch reference.
  package static let defaultRate = 3e-4

  /// Creates a recipe that trains nothing.
  package init() {}

  /// Distinct rows that the steps can use at most.
  func rowCount(batchSize: Int) -> Int {
    steps * accumulation * (self.batchSize ?? batchSize)
  }

  /// The settings that shape a result, for manifests.
  var json: JSONObject {
    var object: JSONObject = [
      "steps": .integer(Int64(steps)),
      "batch": batchSize.map { .integer(Int64($0)) } ?? .null,
      "accumulation": .integer(Int64(accumulation)), "learning_rate": .number(learningRate),
      "decay": .string(decay.rawValue), "warm_up": .integer(Int64(warmUpSteps)),
      "weight_decay": .number(weightDecay), "clipping": .number(clipping),
      "objective": objective.map { .string($0.word) } ?? .null,
      "temperature": .number(temperature),
    ]
    if let adapters = choice.adapters {
      object["lora"] = .object([
        "rank": .integer(Int64(adapters.rank)), "alpha": .number(adapters.alpha),
        "dropout": .number(adapters.dropout),
        "targets": .array(adapters.targets.map { .string($0) }),
      ])
    }
    return object
  }

  /// The objective for a model and the rows it is trained on.
  func objective(for graph: Graph, isLabelled: Bool) throws(PipelineError) -> ObjectiveKind {
    let chosen = objective ?? graph.defaultObjective(isLabelled: isLabelled)
    let problem: String? =
      switch chosen {
      case .nextToken: graph.kind == .decoder && graph.tokenHead != nil ? nil : "a decoder's head"
      case .maskedTokens, .values: "an objective that data files can express"
      case .classes:
        graph.classifier == nil ? "a classifier" : isLabelled ? nil : "data with labels"
      case .teacherLogits:
        graph.tokenHead == nil && graph.classifier == nil ? "a head with logits" : nil
      case .teacherStates: nil
      }
    guard let problem else { return chosen }
    throw .invalidOption(
      name: "--finetune-loss",
      problem: "expected \(problem) for '\(chosen.word)', found none in this model or its data")
  }
}

extension Graph {
  /// The task itself where there are labels for it, the teacher's states or logits otherwise.
  fileprivate func defaultObjective(isLabelled: Bool) -> ObjectiveKind {
    switch kind {
    case .decoder: return tokenHead == nil ? .teacherStates : .nextToken
    case .encoder: return .teacherStates
    case .image:
      guard classifier != nil else { return .teacherStates }
      return isLabelled ? .classes : .teacherLogits
    }
  }
}

extension ObjectiveKind {
  /// The objective in the words of options, manifests and events.
  package var word: String {
    switch self {
    case .nextToken: "next-token"
    case .maskedTokens: "masked-tokens"
    case .classes: "labels"
    case .values: "values"
    case .teacherLogits: "teacher-logits"
    case .teacherStates: "teacher-states"
    }
  }

  /// The objective that a word means.
  package init?(word: String) {
    guard let kind = Self.allCases.first(where: { $0.word == word }) else { return nil }
    self = kind
  }
}
