// A look at a model on data: its attention, and what a language model makes of long texts.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// What to look at, and on what.
package struct ExaminationOptions: Sendable {
  /// How the model is opened, the rows and their length, as a diagnosis has them.
  package var diagnosis: DiagnosisOptions
  /// The softmax model to compare with; nil takes an artifact's own source weights.
  package var teacher: String?

  /// Creates options.
  package init(_ diagnosis: DiagnosisOptions, teacher: String? = nil) {
    (self.diagnosis, self.teacher) = (diagnosis, teacher)
  }
}

/// What a look at a model found.
package struct Examination: Sendable {
  /// What attention was looked at on, in words.
  package let data: String
  /// Every layer with attention.
  package let layers: [LayerDiagnosis]
  /// Some heads over the first row.
  package let samples: [AttentionSample]
  /// Perplexity, with figures by position.
  package let perplexity: Finding<Measured>
  /// What is found again of what lies far back in a text.
  package let recall: Finding<Measured>

  /// Rows that perplexity is measured on.
  private static let rows = 32
  /// Trials of recall at each distance.
  private static let trials = 4

  /// Looks at a model.
  ///
  /// - Throws: What `progress` throws, which is called with the share that is done; `FormatError` and
  ///   `PipelineError` for a model or data that cannot be looked at.
  package init(_ options: ExaminationOptions, progress: (Double) throws -> Void) throws {
    let diagnosis = try Diagnosis(options.diagnosis)
    data = diagnosis.data
    (layers, samples) = try diagnosis.runWithSamples { try progress(0.4 * $0) }
    perplexity = try Self.measure(.languageModel, options) { try progress(0.4 + 0.2 * $0) }
    recall = try Self.measure(.recall, options) { try progress(0.6 + 0.4 * $0) }
  }

  /// Measures a task of language models, where there is one and a text for it.
  private static func measure(
    _ task: EvaluationTask, _ options: ExaminationOptions, progress: (Double) throws -> Void
  ) throws -> Finding<Measured> {
    let diagnosis = options.diagnosis
    let model = try OpenedModel(
      opening: diagnosis.model, configuration: diagnosis.configuration, base: diagnosis.base,
      tokenizer: diagnosis.tokenizer)
    guard model.runner.graph.hasLanguageModelHead else {
      return .missing("The model has no language-model head, and so no figures of this kind.")
    }
    guard let data = diagnosis.data else {
      return .missing("Not measured, for want of a text: name one with \(.data, "FILE").")
    }
    var settings = EvaluationOptions(
      model: diagnosis.model, task: task, data: data, threads: diagnosis.threads)
    (settings.configuration, settings.base) = (diagnosis.configuration, diagnosis.base)
    (settings.tokenizer, settings.teacher) = (diagnosis.tokenizer, options.teacher)
    if task == .languageModel { settings.length = diagnosis.length }
    settings.rowLimit = task == .recall ? trials : rows
    settings.isByPosition = true
    let evaluation: Evaluation
    do {
      evaluation = try Evaluation(settings)
    } catch let PipelineError.invalidSetting(setting, problem) where setting == .length {
      // Such as too few positions to put anything far back.
      return .missing("Not measured: \(problem).")
    }
    let figures = try evaluation.run(progress: progress)
    return .known(
      Measured(task: task.rawValue, after: "", data: evaluation.data, figures: figures))
  }
}
