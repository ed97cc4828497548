// Rows to finetune on, with the labels that some objectives need.

internal import HHCompute
package import HHData

/// Inputs of one length, and the class of each where it is known.
package struct LabelledRows {
  /// The rows.
  package let input: ModelInput
  /// A class per row.
  package let labels: [Int32]?

  /// Joins rows with their labels, as many.
  package init(_ input: ModelInput, labels: [Int32]? = nil) {
    precondition(labels.map { $0.count == input.rowCount } ?? true, "a label for every row")
    self.input = input
    self.labels = labels
  }

  /// Number of rows.
  package var count: Int { input.rowCount }

  /// The rows of the given indices, in that order.
  package func rows(_ indices: [Int]) -> LabelledRows {
    LabelledRows(input.rows(indices), labels: labels.map { labels in indices.map { labels[$0] } })
  }

  /// These rows as a model is given them, and its objective; what is hidden of them depends on the
  /// seed and the place in the run.
  func prepared(
    _ kind: ObjectiveKind, teacher: Teacher?, recipe: TrainingPlan, place: String
  ) -> (input: ModelInput, objective: Objective) {
    switch (kind, teacher, input) {
    case (.nextToken, _, _): return (input, .nextToken)
    case (.classes, _, _): return (input, .classes(labels ?? []))
    case (.maskedTokens, _, .tokens(let batch)):
      guard let masking = recipe.masking else { break }
      let generator = SeededGenerator(seed: recipe.seed).split("mask \(place)")
      let (hidden, labels) = masking.hide(batch, generator)
      return (hidden, .maskedTokens(labels))
    case (.teacherLogits, let teacher?, _):
      return (input, .teacherLogits(teacher, temperature: Float(recipe.temperature)))
    case (.teacherStates, let teacher?, _): return (input, .teacherStates(teacher))
    default: break
    }
    preconditionFailure("the recipe gave an objective that these rows cannot serve")
  }
}

extension ModelInput {
  /// The rows of the given indices, in that order; of padded rows no longer than the longest.
  func rows(_ indices: [Int]) -> ModelInput {
    switch self {
    case .tokens(let batch):
      let lengths = batch.validLengths.map { lengths in indices.map { lengths[$0] } }
      let length = max(1, lengths?.max() ?? batch.length)
      func gather<T>(_ values: [T]) -> [T] {
        indices.flatMap { values[$0 * batch.length..<$0 * batch.length + length] }
      }
      return .tokens(
        TokenBatch(
          ids: gather(batch.ids), length: length, validLengths: lengths,
          tokenTypes: batch.tokenTypes.map(gather)))
    case .images(let pixels):
      let chosen = Matrix(rows: indices.count, columns: pixels.columns)
      gatherRows(pixels, ids: indices.map { Int32(truncatingIfNeeded: $0) }, into: chosen)
      return .images(chosen)
    }
  }
}
