// A decoder's own text: rows drawn token by token from the model's distribution.

internal import HHCompute
package import HHData
internal import HHFormat

/// Draws rows from a decoder, side by side.
package struct DecoderSampler {
  private let runner: ModelRunner
  private let rowCount: Int
  private let length: Int
  /// The number of the first row, where these rows are part of more.
  private let firstRow: Int

  /// Bytes of the keys and values of rows that are drawn side by side: the more rows, the less often
  /// the weights are read.
  private static let cacheLimit = 2 << 30

  /// Below 1, since what a small model draws at 1 is less likely to it than people's text is.
  private static let temperature: Float = 0.8

  /// Draws rows in groups whose cache stays within two gibibytes; see
  /// `sample(first:seed:progress:)`. `progress` is told of the tokens drawn so far, and of how many.
  package static func sample(
    _ runner: ModelRunner, rowCount: Int, length: Int, first: Int32?, isVaried: Bool = false,
    seed: UInt64,
    progress: (_ tokens: Int, _ total: Int) throws -> Void
  ) throws -> TokenBatch {
    let group = groupSize(runner.graph, rowCount: rowCount, length: length)
    var ids: [Int32] = []
    for start in stride(from: 0, to: rowCount, by: group) {
      let sampler = DecoderSampler(
        runner: runner, rowCount: min(group, rowCount - start), length: length, firstRow: start)
      let rows = try sampler.sample(first: first, isVaried: isVaried, seed: seed) { tokens, _ in
        try progress(start * length + tokens, rowCount * length)
      }
      ids += rows.ids
    }
    return TokenBatch(ids: ids, length: length)
  }

  /// How often rows are drawn side by side.
  package static func groupCount(_ graph: Graph, rowCount: Int, length: Int) -> Int {
    let group = groupSize(graph, rowCount: rowCount, length: length)
    return (rowCount + group - 1) / group
  }

  /// Bytes of the cache of a group of rows.
  package static func cacheBytes(_ graph: Graph, rowCount: Int, length: Int) -> Int {
    groupSize(graph, rowCount: rowCount, length: length)
      * DecodingSession.cacheBytes(of: graph, length: length)
  }

  /// How many rows are drawn side by side.
  private static func groupSize(_ graph: Graph, rowCount: Int, length: Int) -> Int {
    let most = DecodingSession.groupSize(
      rowCount: rowCount, rowBytes: DecodingSession.cacheBytes(of: graph, length: length),
      limit: cacheLimit)
    // Groups of one size: a small last one would read the weights for few rows.
    let groups = (rowCount + most - 1) / most
    return max(1, (rowCount + groups - 1) / max(1, groups))
  }

  /// Prepares to draw `rowCount` rows of `length` tokens side by side.
  init(runner: ModelRunner, rowCount: Int, length: Int, firstRow: Int = 0) {
    self.runner = runner
    self.firstRow = firstRow
    self.rowCount = rowCount
    self.length = length
  }

  /// Refuses a model that cannot write: a base class saved without its language-model head.
  package static func requireHead(_ graph: Graph) throws(PipelineError) {
    guard !graph.hasLanguageModelHead else { return }
    throw .invalidSetting(
      .data,
      problem: "expected it, because this checkpoint has no language-model head to write text with;"
        + " found none")
  }

  /// Draws the rows. Each starts with `first`, or with a random token where that is nil or, in varied
  /// rows, at every other: a chat model writes chats from its first token, and other text from others.
  /// Row r's choices depend on the seed and r alone.
  func sample(
    first: Int32?, isVaried: Bool = false, seed: UInt64, progress: (Int, Int) throws -> Void
  ) throws -> TokenBatch {
    try Self.requireHead(runner.graph)
    var sampler = TokenSampler(
      options: SamplingOptions(temperature: Self.temperature), seed: seed, rowCount: rowCount,
      firstRow: firstRow)
    var session = DecodingSession(runner: runner, rowCount: rowCount, capacity: length)
    var current = (0..<rowCount).map { row in
      let isOther = isVaried && !(firstRow + row).isMultiple(of: 2)
      return (isOther ? nil : first)
        ?? sampler.uniform(row: row, below: runner.graph.vocabularySize)
    }
    var ids = [Int32](repeating: 0, count: rowCount * length)
    for position in 0..<length {
      for row in 0..<rowCount { ids[row * length + position] = current[row] }
      if position == length - 1 { break }
      current = sampler.draw(try session.advance(TokenBatch(ids: current, length: 1)))
      try progress((position + 2) * rowCount, length * rowCount)
    }
    return TokenBatch(ids: ids, length: length)
  }
}
