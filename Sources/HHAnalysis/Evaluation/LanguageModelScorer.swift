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
  /// Whether figures by position follow those of all tokens.
  private let isByPosition: Bool
  private let scratch = ScratchSpace()

  /// Positions that run at a time, and logits that lie in memory at a time.
  private static let positions = 4096
  package static let logits = 1 << 24

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
      all.rows(0..<min(all.count, options.rowLimit ?? all.count)), tokenizer: tokenizer,
      isByPosition: options.isByPosition)
  }

  /// Measures rows in memory; with a tokenizer also per word, and `isByPosition` by position.
  package init(_ rows: TokenRows, tokenizer: (any Tokenizer)?, isByPosition: Bool = false) {
    (self.rows, self.isByPosition) = (rows, isByPosition)
    // A figure per word compares models with different tokenizers.
    wordsPerToken = tokenizer.map { tokenizer in
      let text = tokenizer.decode(rows.ids)
      return Double(text.split(whereSeparator: \.isWhitespace).count) / Double(rows.ids.count)
    }
  }

  package var description: String { "\(rows.count) rows of \(rows.length) tokens" }

  package func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    try metrics(ofLoss: measure([runner], progress: progress).losses[0].mean)
  }

  package func figures(
    _ runner: ModelRunner, teacher: ModelRunner?, progress: (Double) throws -> Void
  ) throws -> [EvaluationFigure] {
    let result = try measure([runner] + (teacher.map { [$0] } ?? []), progress: progress)
    let metrics = result.losses.map { self.metrics(ofLoss: $0.mean) }
    var figures = metrics[0].enumerated().map { index, metric in
      EvaluationFigure(
        name: metric.name, value: metric.value,
        teacher: metrics.count > 1 ? metrics[1][index].value : nil, isCost: metric.isCost)
    }
    if metrics.count > 1 {
      figures.append(
        EvaluationFigure(
          name: "same next token", value: result.agreement, teacher: nil, isCost: false))
    }
    return isByPosition ? figures + byPosition(result.losses) : figures
  }

  private func metrics(ofLoss mean: Double) -> [Metric] {
    var metrics = [Metric(name: "perplexity", value: exp(mean), isCost: true)]
    if let wordsPerToken, wordsPerToken > 0 {
      metrics.append(
        Metric(name: "perplexity per word", value: exp(mean / wordsPerToken), isCost: true))
    }
    return metrics
  }

  /// The perplexity of tokens that come after 1, 2 or 3, 4 to 7, … others.
  private func byPosition(_ losses: [PositionLosses]) -> [EvaluationFigure] {
    losses[0].buckets.map { bucket in
      var figure = EvaluationFigure(
        name: "perplexity after \(words(of: bucket))",
        value: exp(losses[0].mean(of: bucket)),
        teacher: losses.count > 1 ? exp(losses[1].mean(of: bucket)) : nil, isCost: true)
      figure.positions = bucket
      return figure
    }
  }

  /// −log p of each of the models, in one pass over the rows, and the share of positions at which
  /// all of them find the same token likeliest.
  private func measure(_ runners: [ModelRunner], progress: (Double) throws -> Void) throws -> (
    losses: [PositionLosses], agreement: Double
  ) {
    let batch = max(1, Self.positions / rows.length)
    var losses = runners.map { _ in PositionLosses(rowLength: rows.length) }
    var agreed = 0
    for start in stride(from: 0, to: rows.count, by: batch) {
      let part = rows.rows(start..<min(rows.count, start + batch))
      // The last position of a row predicts nothing that is known.
      let labels = part.ids.indices.map { index in
        (index + 1).isMultiple(of: part.length) ? -1 : part.ids[index + 1]
      }
      let states = try runners.map { try $0.lastStates(of: part) }
      let step = max(1, Self.logits / runners[0].graph.vocabularySize)
      for start in stride(from: 0, to: labels.count, by: step) {
        let range = start..<min(labels.count, start + step)
        var choices: [[Int]] = []
        for (index, runner) in runners.enumerated() {
          let hidden = Activations(hidden: states[index].rows(range), rowCount: range.count)
          guard let logits = try runner.outputs(from: hidden).logits else { continue }
          if runners.count > 1 { choices.append(logits.argmaxOfRows) }
          losses[index].add(
            Loss.crossEntropy(labels: Array(labels[range])).ofRows(logits, scratch: scratch),
            from: start)
        }
        guard let first = choices.first, let last = choices.last else { continue }
        agreed += range.count { labels[$0] >= 0 && first[$0 - start] == last[$0 - start] }
      }
      try progress(Double(start + part.count) / Double(rows.count))
    }
    let count = rows.count * (rows.length - 1)
    for index in losses.indices { losses[index].count = count }
    return (losses, Double(agreed) / Double(count))
  }
}

extension ModelRunner {
  /// The states that the head reads, [rows × length, hidden size].
  func lastStates(of rows: TokenRows) throws(FormatError) -> Matrix {
    let batch = TokenBatch(ids: rows.ids, length: rows.length)
    let hidden = Matrix(rows: rows.ids.count, columns: graph.hiddenSize)
    var state = try embed(.tokens(batch), into: hidden)
    try run(graph.nodes.filter { $0.layer != nil }, &state)
    try run(graph.outputNodes, &state)
    return state.hidden
  }
}
