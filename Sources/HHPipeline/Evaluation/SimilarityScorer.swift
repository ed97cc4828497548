// How well an encoder's embeddings tell how alike two sentences are.

internal import HHCompute
internal import HHFormat

/// Pearson and Spearman correlation between human scores and the cosines of mean-pooled embeddings.
struct SimilarityScorer: Scorer {
  private let first: PaddedTexts
  private let second: PaddedTexts
  private let scores: [Double]

  /// Positions that run at a time.
  private static let positions = 4096

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    guard case .encoder = model.runner.graph.kind else {
      throw PipelineError.invalidOption(
        name: "--task", problem: "sts needs an encoder of text, found none")
    }
    let tokenizer = try model.tokenizer()
    let length = try rowLength(options, maximum: model.runner.graph.maximumLength)
    let examples = try LabelledText(similarityAt: options.data).examples
      .prefix(options.rowLimit ?? .max)
    func texts(_ side: (LabelledText.Example) -> String) -> PaddedTexts {
      PaddedTexts(
        examples.map { (side($0), nil) }, tokenizer: tokenizer, maximumLength: length)
    }
    first = texts { $0.first }
    second = texts { $0.second ?? "" }
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
    var done = 0
    for (indices, batch) in texts.batches(positions: Self.positions) {
      let embedded = try runner.sentenceEmbeddings(of: batch)
      for (row, index) in indices.enumerated() {
        result[index] = embedded.rows(row..<row + 1).values
      }
      done += indices.count
      try progress(Double(done) / Double(texts.count))
    }
    return result
  }
}

extension ModelRunner {
  /// The mean of each sequence's hidden states over its valid positions, scaled to length 1,
  /// [rows, hidden size]: how sentence-transformers embeds a sentence.
  func sentenceEmbeddings(of batch: TokenBatch) throws(FormatError) -> Matrix {
    let hidden = try outputs(for: .tokens(batch)).hidden
    let result = Matrix(rows: batch.rowCount, columns: hidden.columns)
    for row in 0..<batch.rowCount {
      let valid = batch.validLengths?[row] ?? batch.length
      var sums = [Double](repeating: 0, count: hidden.columns)
      for position in 0..<valid {
        let place = row * batch.length + position
        for (column, value) in hidden.rows(place..<place + 1).values.enumerated() {
          sums[column] += Double(value)
        }
      }
      let length = max(1e-12, sums.reduce(0) { $0 + $1 * $1 }.squareRoot())
      for (column, sum) in sums.enumerated() { result[row, column] = Float(sum / length) }
    }
    return result
  }
}
