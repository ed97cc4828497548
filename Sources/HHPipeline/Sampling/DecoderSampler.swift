// A decoder's own text: rows drawn token by token from the model's distribution.

internal import Glibc
internal import HHCompute
internal import HHFormat

/// Draws rows from a softmax decoder, side by side, with a key/value cache.
struct DecoderSampler {
  private let runner: ModelRunner
  private let rowCount: Int
  private let length: Int
  /// The number of the first row, where these rows are part of more.
  private let firstRow: Int
  /// Keys and values of each layer, [rows × length, key/value width].
  private var caches: [Int: (keys: Matrix, values: Matrix)] = [:]

  /// Bytes that the cache of rows drawn side by side may take.
  private static let cacheLimit = 256 << 20

  /// Draws rows in groups whose cache stays within `cacheLimit`; see `sample(first:seed:report:)`.
  static func sample(
    _ runner: ModelRunner, rowCount: Int, length: Int, first: Int32?, seed: UInt64,
    report: ProgressReport
  ) throws -> TokenBatch {
    let rowBytes = runner.graph.attentions.reduce(0) {
      $0 + 8 * length * $1.keyValueHeadCount * $1.headSize
    }
    let group = max(1, min(rowCount, cacheLimit / max(1, rowBytes)))
    var ids: [Int32] = []
    for start in stride(from: 0, to: rowCount, by: group) {
      let sampler = DecoderSampler(
        runner: runner, rowCount: min(group, rowCount - start), length: length, firstRow: start)
      let rows = try sampler.sample(first: first, seed: seed) { event in
        guard case .sampled(let tokens, _) = event else { return try report(event) }
        try report(.sampled(tokens: start * length + tokens, of: rowCount * length))
      }
      ids += rows.ids
    }
    return TokenBatch(ids: ids, length: length)
  }

  /// Prepares to draw `rowCount` rows of `length` tokens side by side.
  init(runner: ModelRunner, rowCount: Int, length: Int, firstRow: Int = 0) {
    self.runner = runner
    self.firstRow = firstRow
    self.rowCount = rowCount
    self.length = length
    for (layer, attention) in runner.graph.attentions.enumerated() {
      let width = attention.keyValueHeadCount * attention.headSize
      caches[layer] = (
        Matrix(rows: rowCount * length, columns: width),
        Matrix(rows: rowCount * length, columns: width)
      )
    }
  }

  /// Refuses a model that cannot write: a base class saved without its language-model head.
  static func requireHead(_ graph: Graph) throws(PipelineError) {
    let hasHead = graph.outputNodes.contains { node in
      if case .head(.languageModel) = node.operation { true } else { false }
    }
    guard !hasHead else { return }
    throw .invalidOption(
      name: "--data",
      problem: "expected it, because this checkpoint has no language-model head to write text with;"
        + " found none")
  }

  /// Draws the rows. Each starts with `first`, or with a random token where that is nil, and goes
  /// on at temperature 1; row r's choices depend on the seed and r alone.
  func sample(first: Int32?, seed: UInt64, report: ProgressReport) throws -> TokenBatch {
    try Self.requireHead(runner.graph)
    let vocabulary = runner.graph.vocabularySize
    var generators = (0..<rowCount).map { row in
      SeededGenerator(seed: seed).split("row \(firstRow + row)")
    }
    var current = generators.indices.map { row in
      first ?? Int32(generators[row].uniform(below: vocabulary))
    }
    var ids = [Int32](repeating: 0, count: rowCount * length)
    for position in 0..<length {
      for row in 0..<rowCount { ids[row * length + position] = current[row] }
      if position == length - 1 { break }
      let logits = try step(current, position: position)
      current = draw(logits, &generators)
      try report(.sampled(tokens: (position + 2) * rowCount, of: length * rowCount))
    }
    return TokenBatch(ids: ids, length: length)
  }

  /// The logits that follow one more token in every row, [rows, vocabulary]; positions come in
  /// order from 0.
  func step(_ tokens: [Int32], position: Int) throws(FormatError) -> Matrix {
    let hidden = Matrix(rows: rowCount, columns: runner.graph.hiddenSize)
    var state = try runner.embed(
      .tokens(TokenBatch(ids: tokens, length: 1)), into: hidden, position: position)
    for node in runner.graph.nodes.drop(while: { $0.layer == nil }) {
      guard case .attention(let attention) = node.operation, let layer = node.layer else {
        try runner.run([node], &state)
        continue
      }
      state.hidden = try attend(attention, state, layer: layer, position: position)
    }
    guard let logits = try runner.outputs(from: state).logits else {
      preconditionFailure("whoever samples has made sure of a language-model head")
    }
    return logits
  }

  private func attend(_ attention: Attention, _ state: Activations, layer: Int, position: Int)
    throws(FormatError) -> Matrix
  {
    let projected = try runner.project(attention, state, position: position)
    guard let (keys, values) = caches[layer] else {
      preconditionFailure("every layer has a cache")
    }
    for row in 0..<rowCount {
      let slot = row * length + position
      copy(projected.key.rows(row..<row + 1), to: keys.rows(slot..<slot + 1))
      copy(projected.value.rows(row..<row + 1), to: values.rows(slot..<slot + 1))
    }
    let mixed = Matrix(rows: rowCount, columns: attention.headCount * attention.headSize)
    SoftmaxAttention.decode(
      q: projected.query, keys: keys, values: values, count: position + 1,
      shape: attention.shape(rowCount: rowCount, length: length, validLengths: nil),
      scale: attention.scale, into: mixed)
    return try runner.output(of: attention, mixed)
  }

  /// One token per row by inverting the cumulative distribution of softmax(logits).
  private func draw(_ logits: Matrix, _ generators: inout [SeededGenerator]) -> [Int32] {
    (0..<rowCount).map { row in
      let values = logits.rows(row..<row + 1).values
      let top = values.max() ?? 0
      var total = 0.0
      let weights = values.map { value in
        let weight = exp(Double(value - top))
        total += weight
        return weight
      }
      var target = Double(generators[row].uniform()) * total
      for (id, weight) in weights.enumerated() {
        target -= weight
        if target < 0 { return Int32(id) }
      }
      return Int32(weights.count - 1)
    }
  }
}
