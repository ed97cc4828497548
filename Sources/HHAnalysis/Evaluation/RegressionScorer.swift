// How well a head of one output predicts scores of texts or pairs of texts.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

/// Pearson and Spearman correlation between scores and the model's predictions, as GLUE's STS-B has
/// them.
struct RegressionScorer: Scorer {
  private let texts: PaddedTexts
  private let scores: [Double]

  /// Positions that run at a time.
  private static let positions = 4096

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    let examples = try LabelledText(similarityAt: options.data, columns: options.columns).examples
      .prefix(options.rowLimit ?? .max)
    texts = try PaddedTexts(
      examples.map { ($0.first, $0.second) }, tokenizer: try model.tokenizer(),
      limits: try TextLimits(model.runner.graph, length: options.length), file: options.data)
    scores = examples.map(\.label)
  }

  var description: String { "\(scores.count) pairs of sentences" }

  func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    var predictions = [Double](repeating: 0, count: scores.count)
    var done = 0
    for (indices, batch) in texts.batches(positions: Self.positions) {
      guard let logits = try runner.outputs(for: .tokens(batch)).logits else { continue }
      for (row, index) in indices.enumerated() { predictions[index] = Double(logits[row, 0]) }
      done += indices.count
      try progress(Double(done) / Double(scores.count))
    }
    return [
      Metric(name: "Pearson correlation", value: Correlation.pearson(predictions, scores)),
      Metric(name: "Spearman correlation", value: Correlation.spearman(predictions, scores)),
    ]
  }
}
