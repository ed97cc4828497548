// What is measured between the stages of a recipe or after them.

internal import HHFormat
package import HHModel

/// What a model is measured on.
package enum EvaluationTask: String, SettingValue, CaseIterable {
  /// Perplexity of a decoder on text or token ids.
  case languageModel = "lm"
  /// Accuracy, F1 and Matthews correlation of a classifier on labelled texts or images.
  case classification
  /// Pearson and Spearman correlation of the cosines of sentence pairs with human scores.
  case similarity = "sts"
  /// The figures of a GLUE task: those of a classification, or the two correlations of a regression.
  case glue
  /// ROUGE-1, 2 and L of summaries that a decoder writes.
  case summarise
  /// The probability of an answer that a decoder read far back in its text.
  case recall
}

/// A measurement.
package struct EvaluationSettings: SettingGroup {
  /// What is measured.
  package var task = EvaluationTask.languageModel
  /// Rows to measure on; nil is the recipe's held-out ones.
  package var data: String?
  /// Most rows; nil is all.
  package var rowLimit: Int?
  /// Tokens per row, or most tokens of a text; nil is the recipe's.
  package var length: Int?

  /// A measurement of all rows at the recipe's length, unless told otherwise.
  package init(
    task: EvaluationTask = .languageModel, data: String? = nil, rowLimit: Int? = nil,
    length: Int? = nil
  ) {
    (self.task, self.data, self.rowLimit, self.length) = (task, data, rowLimit, length)
  }

  package var stageName: String? { "evaluate" }

  package var settings: [Setting<Self>] {
    [
      Setting("task", \.task, option: "task", isRequired: true, help: "What is measured"),
      Setting(
        "data", \.data, isPath: true, help: "Rows to measure on",
        otherwise: "the recipe's held-out ones"),
      Setting(
        "rows", \.rowLimit, limits: .range(1...1_000_000_000), help: "Most rows", otherwise: "all"),
      Setting(
        "length", \.length, limits: .range(2...1_048_576),
        help: "Tokens per row of its data, or most tokens of a text", otherwise: "the recipe's"),
    ]
  }
}
