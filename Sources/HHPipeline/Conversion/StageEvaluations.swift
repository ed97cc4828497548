// The evaluations that a recipe puts between the stages of a conversion or after them.

internal import HHAnalysis
internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// Evaluations of a model while it is converted. Data files are read before the first stage, so that
/// a bad one does not cost an hour of training.
struct StageEvaluations {
  private struct Entry {
    let evaluation: ConversionOptions.Evaluation
    let task: EvaluationTask
    let options: EvaluationOptions
    /// Nil where the conversion's held-out rows are measured, which may have to be made up first.
    let scorer: (any Scorer)?
  }

  private let model: OpenedModel
  /// Whether the unconverted model is measured too.
  private let isComparing: Bool
  private let entries: [Entry]
  /// The stage after which every conversion is measured beside its teacher, asked or not; nil where
  /// there is no teacher.
  private let lastStage: String?

  /// Opens the evaluations of a conversion of `model`, the unconverted one, with which results are
  /// compared if `comparing`.
  ///
  /// - Throws: `PipelineError` for a task that the model has no head for or that held-out rows
  ///   cannot serve, `FormatError` for data that is missing or broken.
  init(_ options: ConversionOptions, model: OpenedModel, comparing: Bool) throws {
    self.model = model
    isComparing = comparing
    lastStage = comparing ? options.finetuning.isEnabled ? "finetune" : "distil" : nil
    entries = try options.evaluations.map { evaluation in
      let path = evaluation.settings.data ?? options.heldOut
      var settings = EvaluationOptions(
        model: options.model, task: evaluation.settings.task, data: path ?? "",
        threads: options.threads)
      let length = evaluation.settings.length
      guard length == nil || (path != nil && model.runner.graph.kind != .image) else {
        throw PipelineError.invalidInput(
          name: "evaluate",
          problem: "expected texts or tokens as 'data' beside a 'length', found none")
      }
      settings.length = model.runner.graph.kind == .image ? nil : length ?? options.length
      settings.rowLimit = evaluation.settings.rowLimit
      // Data of its own has columns of its own.
      settings.columns = evaluation.settings.data == nil ? options.columns : nil
      return Entry(
        evaluation: evaluation, task: settings.task, options: settings,
        scorer: try path.map { _ in try settings.task.scorer(settings, model) })
    }
    for entry in entries where entry.scorer == nil {
      guard entry.task.measuresRows(of: model.runner.graph) else {
        throw PipelineError.invalidInput(
          name: "evaluate",
          problem: "the task '\(entry.evaluation.settings.task.rawValue)' does not measure the rows"
            + " of this \(model.runner.graph.architecture): expected 'data' of its own, found none")
      }
    }
  }

  /// Carries out those that come after a stage, and after the last the measurement that needs no
  /// asking.
  ///
  /// - Parameters:
  ///   - stage: The stage that is done.
  ///   - student: The converted model as it is now.
  ///   - heldOut: Rows for evaluations that name no data.
  ///   - report: Told of every result.
  /// - Returns: The results, in the recipe's order.
  /// - Throws: What `report` throws, and `FormatError` for weights that cannot be read.
  func run(
    after stage: String, student: ModelRunner, heldOut: LabelledRows, report: ConversionReport
  ) throws -> [EvaluationResult] {
    var results: [EvaluationResult] = []
    for entry in entries where entry.evaluation.after == stage {
      try report(.progress(.stage("evaluate")))
      let scorer = try entry.scorer ?? entry.task.scorer(of: heldOut, entry.options, model)
      let teacher = isComparing ? model.runner : nil
      let figures = try scorer.figures(student, teacher: teacher) { _ in
        try report(.progress(.stage("evaluate")))
      }
      model.runner.parameters.release()
      let result = EvaluationResult(
        task: entry.evaluation.settings.task.rawValue, after: stage, data: scorer.description,
        figures: figures)
      try report(.evaluated(result))
      results.append(result)
    }
    if stage == lastStage {
      try report(.progress(.stage("evaluate")))
      let fidelity = Fidelity(heldOut, of: model)
      let result = EvaluationResult(
        task: Fidelity.task, after: stage, data: fidelity.description,
        figures: try fidelity.figures(student) { _ in
          try report(.progress(.stage("evaluate")))
        })
      model.runner.parameters.release()
      try report(.evaluated(result))
      results.append(result)
    }
    return results
  }
}

extension EvaluationTask {
  /// Whether rows that a model of this graph is trained on are examples of the task too.
  fileprivate func measuresRows(of graph: Graph) -> Bool {
    switch self {
    case .languageModel: graph.hasLanguageModelHead
    case .classification, .glue: graph.classCount != nil
    case .similarity, .summarise, .recall: false
    }
  }

  /// What measures rows in memory.
  fileprivate func scorer(
    of rows: LabelledRows, _ options: EvaluationOptions, _ model: OpenedModel
  ) throws -> any Scorer {
    let chosen = rows.rows(Array(0..<min(rows.count, options.rowLimit ?? .max)))
    if case .tokens(let batch) = chosen.input, self == .languageModel {
      return LanguageModelScorer(
        TokenRows(ids: batch.ids, length: batch.length),
        tokenizer: try TokenizerLoader.load(of: model.checkpoint))
    }
    return try ClassificationScorer(chosen, model)
  }
}
