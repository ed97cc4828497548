// How many labelled texts or images a classifier puts into the right class.

internal import HHCompute
internal import HHData
internal import HHFormat
package import HHModel
package import HHTraining

/// Accuracy, F1 and Matthews correlation.
package struct ClassificationScorer: Scorer {
  private let examples: ModelExamples
  private let labels: [Int]
  private let classCount: Int

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    guard let classCount = model.runner.graph.classCount else {
      throw PipelineError.invalidSetting(
        .task, problem: "classification needs a model with a classifier, found none")
    }
    self.classCount = classCount
    let limit = options.rowLimit ?? .max
    guard case .image = model.runner.graph.kind else {
      let data = try LabelledText(
        classificationAt: options.data, classes: model.checkpoint.classNames(classCount),
        columns: options.columns)
      let chosen = data.examples.prefix(limit)
      examples = .texts(
        try PaddedTexts(
          chosen.map { ($0.first, $0.second) }, tokenizer: try model.tokenizer(),
          limits: try TextLimits(model.runner.graph, length: options.length), file: options.data))
      labels = chosen.map { Int($0.label) }
      return
    }
    try model.runner.graph.checkImageLength(options.length)
    let source = try DataSource(
      at: options.data, for: .images(ImageShape(model.names.hyperparameters)), tokenizer: nil,
      vocabularySize: 0, files: try model.files())
    guard case .images(let all) = source.rows, let truth = all.labels else {
      throw FormatError(
        .missingInput, file: options.data, problem: "expected labels for the images, found none",
        hint: "labels of 'NAME-images-idx3-ubyte' are read from 'NAME-labels-idx1-ubyte'")
    }
    labels = truth.prefix(limit).map { Int($0) }
    if let index = labels.firstIndex(where: { !(0..<classCount).contains($0) }) {
      throw FormatError(
        .badData, file: options.data, place: "label \(index)",
        problem: "expected 0 to \(classCount - 1) (the model's classes), found \(labels[index])")
    }
    examples = .images(all.images(0..<min(all.count, limit)))
  }

  /// Measures rows in memory.
  ///
  /// - Throws: `PipelineError` where they have no labels, or others than the model's classes.
  package init(_ rows: LabelledRows, _ model: OpenedModel) throws(PipelineError) {
    guard let classCount = model.runner.graph.classCount, let labels = rows.labels else {
      throw .invalidInput(
        name: "evaluate", problem: "classification needs labelled data, found none")
    }
    self.classCount = classCount
    self.labels = labels.map { Int($0) }
    if let label = self.labels.first(where: { !(0..<classCount).contains($0) }) {
      throw .invalidInput(
        name: "evaluate",
        problem: "expected labels from 0 to \(classCount - 1) (the model's classes), found \(label)"
      )
    }
    examples = .rows(rows.input)
  }

  package var description: String {
    switch examples {
    case .texts: "\(labels.count) texts of \(classCount) classes"
    case .images: "\(labels.count) images of \(classCount) classes"
    case .rows: "\(labels.count) held-out rows of \(classCount) classes"
    }
  }

  package func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    var predictions = [Int](repeating: 0, count: labels.count)
    try examples.run(runner, progress: progress) { indices, _, outputs in
      guard let logits = outputs.logits else { return }
      for (index, best) in zip(indices, logits.argmaxOfRows) { predictions[index] = best }
    }
    let confusion = ConfusionMatrix(
      truth: labels, predictions: predictions, classCount: classCount)
    return [
      Metric(name: "accuracy", value: confusion.accuracy),
      Metric(name: "F1", value: confusion.f1),
      Metric(name: "Matthews correlation", value: confusion.matthews),
    ]
  }
}
