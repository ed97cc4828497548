// What a converted model keeps of the model that it was made from.

internal import HHCompute
internal import HHData
internal import HHFormat
package import HHModel
package import HHTraining

/// A converted model measured beside its teacher, on rows that may have labels.
package struct Fidelity {
  /// What results are recorded as.
  package static let task = "fidelity"
  /// Positions that are measured: a handful of rows tells whether a model is good.
  private static let positions = 4096

  private let rows: LabelledRows
  private let model: OpenedModel

  /// Prepares to measure the first of some held-out rows; `model` is the teacher.
  package init(_ rows: LabelledRows, of model: OpenedModel) {
    let length = max(1, model.runner.length(of: rows.input))
    self.rows = rows.rows(Array(0..<min(rows.count, max(4, Self.positions / length))))
    self.model = model
  }

  /// What is measured on, in words.
  package var description: String {
    guard case .tokens(let batch) = rows.input else { return "\(rows.count) held-out images" }
    return "\(rows.count) held-out rows of \(batch.length) tokens"
  }

  /// The figures: of a language model its perplexity and how often both find the same next token
  /// likeliest; of others the mean cosine of the last states of both and how often a head gives the
  /// same answer, and with labels those of a classification.
  ///
  /// - Throws: what `progress` throws, `FormatError` for weights that cannot be read.
  package func figures(_ student: ModelRunner, progress: (Double) throws -> Void) throws
    -> [EvaluationFigure]
  {
    if student.graph.hasLanguageModelHead, case .tokens(let batch) = rows.input,
      batch.validLengths == nil
    {
      let scorer = LanguageModelScorer(
        TokenRows(ids: batch.ids, length: batch.length), tokenizer: nil)
      return try scorer.figures(student, teacher: model.runner, progress: progress)
    }
    var figures = try agreement(student, progress: progress)
    if rows.labels != nil, student.graph.classCount ?? 0 > 1 {
      figures += try ClassificationScorer(rows, model)
        .figures(student, teacher: model.runner, progress: progress)
    }
    return figures
  }

  private func agreement(_ student: ModelRunner, progress: (Double) throws -> Void) throws
    -> [EvaluationFigure]
  {
    var (cosines, states, same, answers) = (0.0, 0, 0, 0)
    try ModelExamples.rows(rows.input).run(student, progress: progress) { _, input, outputs in
      let expected = try model.runner.outputs(for: input)
      let length = outputs.hidden.rows / max(1, input.rowCount)
      var isValid = [Bool](repeating: true, count: outputs.hidden.rows)
      if case .tokens(let batch) = input, let lengths = batch.validLengths {
        isValid = isValid.indices.map { $0 % length < lengths[$0 / length] }
      }
      for row in isValid.indices where isValid[row] {
        cosines += cosine(outputs.hidden, expected.hidden, row: row)
        states += 1
      }
      guard let logits = outputs.logits, let other = expected.logits, logits.columns > 1 else {
        return
      }
      // A head gives an answer for each row or for each position.
      let isPerToken = logits.rows == isValid.count
      for (index, pair) in zip(logits.argmaxOfRows, other.argmaxOfRows).enumerated()
      where !isPerToken || isValid[index] {
        same += pair.0 == pair.1 ? 1 : 0
        answers += 1
      }
    }
    var figures = [
      EvaluationFigure(
        name: "cosine of the last states", value: cosines / Double(max(1, states)), teacher: nil,
        isCost: false)
    ]
    if answers > 0 {
      figures.append(
        EvaluationFigure(
          name: student.graph.classCount == nil ? "same token" : "same class",
          value: Double(same) / Double(answers), teacher: nil, isCost: false))
    }
    return figures
  }

  private func cosine(_ a: Matrix, _ b: Matrix, row: Int) -> Double {
    let (left, right) = (a.rows(row..<row + 1).values, b.rows(row..<row + 1).values)
    var (dot, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(left, right) {
      dot += Double(x) * Double(y)
      aa += Double(x) * Double(x)
      bb += Double(y) * Double(y)
    }
    return aa > 0 && bb > 0 ? dot / (aa * bb).squareRoot() : aa == bb ? 1 : 0
  }
}
