// What feature maps can express: associative recall learnt from scratch, and softmax's weights.

package import HHCompute
internal import HHData
package import HHFormat
package import HHModel
internal import HHTraining

/// What to compare, and how.
package struct ExpressivityOptions: Sendable {
  /// The task.
  package var task = AssociativeRecall()
  /// How models learn it.
  package var recipe = RecallRecipe()
  /// The maps beside softmax, each once.
  package var maps = FeatureMapKind.allCases
  /// Threads to use.
  package var threads: Int

  /// Creates options.
  package init(threads: Int) { self.threads = threads }
}

/// One attention of the table.
package struct ExpressivityRow: Sendable, Equatable {
  /// What a model with this attention learnt from scratch; nil where every learning rate ended in
  /// numbers that are none.
  package let recall: RecallOutcome?
  /// The map on the softmax model's queries and keys.
  package let attention: MapDiagnosis

  /// The map; nil for softmax.
  package var kind: FeatureMapKind? { attention.kind }
}

/// Where a comparison stands.
package struct ExpressivityProgress: Sendable, Equatable {
  /// The map that is trained; nil for softmax.
  package let kind: FeatureMapKind?
  /// The learning rate.
  package let rate: Double
  package let step: Int
  package let steps: Int
  /// Share of right answers on the validation sequences.
  package let accuracy: Double
}

/// Softmax and feature maps on associative recall (Hedgehog, arXiv 2402.04347, tables 2 and 3).
///
/// Every attention trains a small Transformer of its own from the same first weights on the same
/// sequences in the same order. Then every map is distilled against the softmax model's attention
/// and measured beside it.
package struct Expressivity {
  private let options: ExpressivityOptions
  private let training: RecallSequences
  private let validation: RecallSequences
  private let test: RecallSequences
  /// Validation sequences that attention weights are measured on.
  private static let measuredRows = 8

  /// Makes the sequences.
  ///
  /// - Throws: `PipelineError.invalidSetting` for sizes that make no task or that memory cannot hold.
  package init(_ options: ExpressivityOptions) throws(PipelineError) {
    if let (setting, problem) = options.task.problem {
      throw .invalidSetting(setting, problem: problem)
    }
    try requireMemory(options.memory, of: .length, .vocabulary)
    ThreadPolicy.use(threads: options.threads)
    self.options = options
    training = options.task.sequences(.training)
    validation = options.task.sequences(.validation)
    test = options.task.sequences(.test)
  }

  /// Compares all; softmax comes first.
  ///
  /// - Parameters:
  ///   - progress: Told of every look at the validation sequences; what it throws ends the run.
  ///   - report: Given each row of the table as soon as it is known.
  /// - Throws: What the two throw; `PipelineError.finetuningDiverged` where softmax itself does not
  ///   learn with any of the rates; `FormatError` for sizes that contradict each other.
  package func run(
    progress: (ExpressivityProgress) throws -> Void, report: (ExpressivityRow) throws -> Void
  ) throws {
    guard let softmax = try best(of: nil, progress) else {
      throw PipelineError.finetuningDiverged(
        layer: nil, step: 1, goodStep: 0, rate: TrainingSettings(.finetune).key(\.learningRate))
    }
    let distillation = TrainingPlan(TrainingSettings(.distil), seed: options.recipe.seed)
    let length = options.task.length
    let rows = min(training.count, distillation.settings.rowCount(length: length))
    let comparison = MapComparison(
      teacher: softmax.runner, recipe: distillation, training: training.input(0..<rows),
      heldOut: validation.input(0..<min(validation.count, DataRows.maximumHeldOutCount)),
      inputs: (0..<min(validation.count, Self.measuredRows)).map { validation.input([$0]) })
    for kind in [nil] + options.maps {
      let outcome = try kind.map { try best(of: $0, progress)?.outcome } ?? softmax.outcome
      let attention = try comparison.diagnosis(of: kind) { _ in }
      try report(ExpressivityRow(recall: outcome, attention: attention))
    }
  }

  /// The training at the first rate that reaches the goal, else at the rate that does best on the
  /// validation sequences.
  private func best(
    of kind: FeatureMapKind?, _ progress: (ExpressivityProgress) throws -> Void
  ) throws -> (runner: ModelRunner, outcome: RecallOutcome)? {
    let recipe = options.recipe
    var best: (runner: ModelRunner, accuracy: Double, rate: Double, steps: Int)?
    for rate in recipe.rates {
      let trial = try RecallTrial(kind, options.task, recipe, rate: rate)
      let result = try trial.train(training, validation: validation) { step, accuracy in
        try progress(
          ExpressivityProgress(
            kind: kind, rate: rate, step: step, steps: recipe.steps, accuracy: accuracy))
      }
      guard let (accuracy, steps) = result, accuracy > best?.accuracy ?? -1 else { continue }
      best = (trial.runner, accuracy, rate, steps)
      if accuracy >= recipe.goal { break }
    }
    return try best.map { best in
      let outcome = RecallOutcome(
        accuracy: try test.accuracy(of: best.runner), validation: best.accuracy, rate: best.rate,
        steps: best.steps)
      return (best.runner, outcome)
    }
  }
}

extension ExpressivityOptions {
  /// Bytes at the peak: the sequences, a batch that is trained on and one that is tested with, the
  /// optimiser's values, and the attention weights of a row.
  var memory: Double {
    let (length, hidden) = (Double(task.length), Double(recipe.hidden))
    let vocabulary = Double(task.vocabulary)
    let sequences = Double(task.trainingCount + task.validationCount + task.testCount)
    // Feed-forward blocks are four times as wide as the hidden states.
    let trained = Double(recipe.batchSize * (16 * recipe.layers + 8)) * hidden
    let tested = Double(RecallSequences.batchSize) * (10 * hidden + vocabulary)
    // Value, gradient and two moments.
    let parameters = 4 * hidden * (vocabulary + length)
    return 4 * (length * (sequences + trained + tested) + parameters)
      + AttentionComparison.memory(headCount: recipe.heads, length: task.length)
  }

  /// Task and training in words.
  package var summary: String {
    let keys = task.vocabulary / 2
    return "associative recall of \(keys) keys and \(keys) values in \(task.length) tokens;"
      + " \(Format.count(task.trainingCount)) sequences to train on, \(Format.count(task.testCount)) to test;"
      + " \(recipe.layers) block\(recipe.layers == 1 ? "" : "s") of \(recipe.hidden) with"
      + " \(recipe.heads) heads,"
      + " at most \(Format.count(recipe.steps)) steps of \(recipe.batchSize)"
  }

  /// Task and training for programs.
  package var json: JSONObject {
    func number(_ value: Int) -> JSONValue { .integer(value) }
    return [
      "task": .string("associative-recall"), "vocabulary": number(task.vocabulary),
      "length": number(task.length), "training_sequences": number(task.trainingCount),
      "validation_sequences": number(task.validationCount),
      "test_sequences": number(task.testCount), "layers": number(recipe.layers),
      "hidden": number(recipe.hidden), "heads": number(recipe.heads),
      "steps": number(recipe.steps), "batch": number(recipe.batchSize),
      "rates": .array(recipe.rates.map { .number($0) }), "seed": number(Int(clamping: recipe.seed)),
    ]
  }
}
