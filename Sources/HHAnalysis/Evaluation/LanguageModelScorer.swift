// Perplexity of a decoder.

internal import Glibc
internal import HHCompute
package import HHData
internal import HHFormat
package import HHModel

/// exp of the mean negative log-likelihood of every next token inside rows of one length.
package struct LanguageModelScorer: Scorer {
  private let rows: TokenRows
  /// White-space-separated words of the text, where the data is text and all of it is measured.
  private let wordsPerToken: Double?
  private let scratch = ScratchSpace()

  /// Positions that run at a time, and logits that lie in memory at a time.
  private static let positions = 4096
  private static let logits = 1 << 24

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    let graph = model.runner.graph
    guard graph.hasLanguageModelHead else {
      throw PipelineError.invalidSetting(
        .task, problem: "lm needs a decoder with a language-model head, found none")
    }
    let length = try rowLength(options.length, maximum: graph.maximumLength)
    let tokenizer = try TokenizerLoader.load(of: model.checkpoint)
    let source = try DataSource(
      at: options.data, for: .decoder(length: length), tokenizer: tokenizer,
      vocabularySize: graph.vocabularySize, files: try model.files(), columns: options.columns)
    guard case .tokens(let all) = source.rows else {
      preconditionFailure("a decoder's rows are tokens")
    }
    self.init(
      all.rows(0..<min(all.count, options.rowLimit ?? all.count)), tokenizer: tokenizer)
  }

  /// Measures rows in memory; with a tokenizer also per word.
  package init(_ rows: TokenRows, tokenizer: (any Tokenizer)?) {
    self.rows = rows
    // A figure per word compares models with different tokenizers.
    wordsPerToken = tokenizer.map { tokenizer in
      let text = tokenizer.decode(rows.ids)
      return Double(text.split(whereSeparator: \.isWhitespace).count) / Double(rows.ids.count)
    }
  }

  package var description: String { "\(rows.count) rows of \(rows.length) tokens" }

  package func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    let batch = max(1, Self.positions / rows.length)
    var sum = 0.0
    for start in stride(from: 0, to: rows.count, by: batch) {
      let part = rows.rows(start..<min(rows.count, start + batch))
      sum += try loss(of: part, runner)
      try progress(Double(start + part.count) / Double(rows.count))
    }
    let mean = sum / Double(rows.count * (rows.length - 1))
    var metrics = [Metric(name: "perplexity", value: exp(mean), isCost: true)]
    if let wordsPerToken, wordsPerToken > 0 {
      metrics.append(
        Metric(name: "perplexity per word", value: exp(mean / wordsPerToken), isCost: true))
    }
    return metrics
  }

  /// Sum of −log p over the tokens that follow another in their row.
  private func loss(of part: TokenRows, _ runner: ModelRunner) throws(FormatError) -> Double {
    let batch = TokenBatch(ids: part.ids, length: part.length)
    let hidden = Matrix(rows: part.ids.count, columns: runner.graph.hiddenSize)
    var state = try runner.embed(.tokens(batch), into: hidden)
    try runner.run(runner.graph.nodes.filter { $0.layer != nil }, &state)
    try runner.run(runner.graph.outputNodes, &state)
    // The last position of a row predicts nothing that is known.
    let labels = part.ids.indices.map { index in
      (index + 1).isMultiple(of: part.length) ? -1 : part.ids[index + 1]
    }
    let step = max(1, Self.logits / runner.graph.vocabularySize)
    var sum = 0.0
    for start in stride(from: 0, to: labels.count, by: step) {
      let range = start..<min(labels.count, start + step)
      let part = Activations(hidden: state.hidden.rows(range), rowCount: range.count)
      guard let logits = try runner.outputs(from: part).logits else { continue }
      sum += Loss.crossEntropy(labels: Array(labels[range]))
        .evaluate(logits, weight: nil, scratch: scratch)
    }
    return sum
  }
}
