// How well an encoder's embeddings tell how alike two sentences are.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

/// Pearson and Spearman correlation between human scores and the cosines of mean-pooled embeddings.
struct SimilarityScorer: Scorer {
  private let first: PaddedTexts
  private let second: PaddedTexts
  private let scores: [Double]

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    guard case .encoder = model.runner.graph.kind else {
      throw PipelineError.invalidSetting(.task, problem: "sts needs an encoder of text, found none")
    }
    let tokenizer = try model.tokenizer()
    let limits = try TextLimits(model.runner.graph, length: options.length)
    let examples = try LabelledText(similarityAt: options.data, columns: options.columns).examples
      .prefix(options.rowLimit ?? .max)
    func texts(
      _ side: (LabelledText.Example) -> String
    ) throws(FormatError) -> PaddedTexts {
      try PaddedTexts(
        examples.map { (side($0), nil) }, tokenizer: tokenizer, limits: limits, file: options.data)
    }
    first = try texts { $0.first }
    second = try texts { $0.second ?? "" }
    scores = examples.map(\.label)
  }

  var description: String { "\(scores.count) pairs of sentences" }

  func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    let left = try embeddings(of: first, runner) { try progress($0 / 2) }
    let right = try embeddings(of: second, runner) { try progress(0.5 + $0 / 2) }
    let cosines = zip(left, right).map { left, right in
      zip(left, right).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    }
    return [
      Metric(name: "Pearson correlation", value: Correlation.pearson(cosines, scores)),
      Metric(name: "Spearman correlation", value: Correlation.spearman(cosines, scores)),
    ]
  }

  private func embeddings(
    of texts: PaddedTexts, _ runner: ModelRunner, progress: (Double) throws -> Void
  ) throws -> [[Float]] {
    var result = [[Float]](repeating: [], count: texts.count)
    try ModelExamples.texts(texts).run(runner, progress: progress) { indices, input, outputs in
      let vectors = pooled(outputs.hidden, input, by: .mean, isNormalized: true)
      for (row, index) in indices.enumerated() {
        result[index] = vectors.rows(row..<row + 1).values
      }
    }
    return result
  }
}
