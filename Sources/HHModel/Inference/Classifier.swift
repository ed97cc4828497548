// The classes of texts or images.

internal import Glibc
internal import HHCompute
internal import HHFormat

/// A class and how sure the model is of it.
package struct ClassProbability: Sendable, Equatable {
  /// The class, from 0.
  package let number: Int
  /// Its name in the configuration's `id2label`, or `LABEL_N`.
  package let label: String
  /// softmax of the logits; where a text may have several labels, the logistic function of this one;
  /// 1 for a model with a single output.
  package let probability: Float
  /// The logit; the value itself for a model with a single output.
  package let logit: Float
}

/// Classifies texts or images.
package struct Classifier {
  private let model: OpenedModel
  private let examples: ModelExamples
  /// Whether each label is there or not by itself (`problem_type` of the configuration).
  private let isMultiLabel: Bool
  /// The names of the classes, by number.
  package let labels: [String]

  /// Opens a model and reads the examples.
  ///
  /// - Throws: `PipelineError` for examples of a kind that the model does not take, `FormatError`
  ///   for a model without a classifier and for files that are missing or broken.
  package init(_ options: InferenceOptions) throws {
    ThreadPolicy.use(threads: options.threads)
    model = try OpenedModel(
      opening: options.model, configuration: options.configuration, base: options.base,
      tokenizer: options.tokenizer)
    guard let count = model.runner.graph.classCount else {
      throw FormatError(
        .unsupported, file: options.model,
        problem: "expected a model with a classifier, found \(model.runner.graph.summary)")
    }
    labels = model.checkpoint.classNames(count)
    let kind = model.checkpoint.configuration?["problem_type"]?.string
    isMultiLabel = count > 1 && kind == "multi_label_classification"
    examples = try options.examples(for: model)
  }

  /// All classes of each example, the likeliest first.
  ///
  /// - Throws: what `progress` throws, which is called with the share that is done, and
  ///   `FormatError` for weights that cannot be read.
  package func run(progress: (Double) throws -> Void) throws -> [[ClassProbability]] {
    var result = [[ClassProbability]](repeating: [], count: examples.count)
    try examples.run(model.runner, progress: progress) { indices, _, outputs in
      guard let logits = outputs.logits else { return }
      for (row, index) in indices.enumerated() {
        result[index] = ranked(logits.rows(row..<row + 1).values)
      }
    }
    return result
  }

  private func ranked(_ logits: [Float]) -> [ClassProbability] {
    let largest = logits.max() ?? 0
    let weights = logits.map { exp(Double($0 - largest)) }
    let sum = weights.reduce(0, +)
    return logits.indices.sorted { logits[$0] > logits[$1] }.map { number in
      let logit = logits[number]
      let probability = isMultiLabel ? 1 / (1 + exp(-Double(logit))) : weights[number] / sum
      return ClassProbability(
        number: number, label: labels[number], probability: Float(probability), logit: logit)
    }
  }
}
