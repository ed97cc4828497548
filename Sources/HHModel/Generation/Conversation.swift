// A conversation with a chat model, whose turns cost only their own tokens.

internal import HHCompute
package import HHData
internal import HHFormat

/// How a conversation goes.
package struct ConversationOptions: Sendable {
  /// The template's family; nil for the model's own template.
  package var family: ChatFamily?
  /// What is said to the model before everything; nil for what its template says.
  package var system: String?
  /// Most tokens of an answer.
  package var maximumTokens: Int
  /// How tokens are drawn.
  package var sampling: SamplingOptions
  /// Seed of the draws.
  package var seed: UInt64

  /// Creates options.
  package init(
    family: ChatFamily? = nil, system: String? = nil, maximumTokens: Int,
    sampling: SamplingOptions = SamplingOptions(temperature: 0), seed: UInt64 = 0
  ) {
    self.family = family
    self.system = system
    self.maximumTokens = maximumTokens
    self.sampling = sampling
    self.seed = seed
  }
}

/// Messages and answers by turns. What the model read and wrote stays in its state: no turn reads
/// the ones before it again, and a converted model's state does not grow.
package struct Conversation {
  private let generator: TextGenerator
  private let template: ChatTemplate
  private let options: ConversationOptions
  private var session: DecodingSession
  private var sampler: TokenSampler
  /// Tokens at which an answer ends.
  private let ends: Set<Int32>
  /// Messages so far.
  private var count = 0
  /// The last token of an answer that was cut off, which the model has not read yet.
  private var unread: [Int32] = []

  /// Tokens that are read at once; between them an interruption is heard.
  private static let pieceLength = 128

  /// Begins a conversation.
  ///
  /// - Throws: `PipelineError` for a message of the system that the template has no place for.
  init(
    _ generator: TextGenerator, template: ChatTemplate, _ options: ConversationOptions
  ) throws(PipelineError) {
    guard options.system == nil || template.takesSystem else {
      throw .invalidSetting(
        .system,
        problem: "expected none, because the template '\(template.family.rawValue)' has no place"
          + " for it; found one")
    }
    self.generator = generator
    self.template = template
    self.options = options
    session = DecodingSession(runner: generator.runner, rowCount: 1, capacity: 0)
    sampler = TokenSampler(options: options.sampling, seed: options.seed, rowCount: 1)
    let tokenizer = generator.tokenizer
    ends = Set(tokenizer.special.ends).union(
      [tokenizer.added.id(of: template.end)].compactMap(\.self))
  }

  /// Opens an artifact or a checkpoint to talk with; `base` goes with a delta.
  package init(
    opening path: String, configuration: String? = nil, base: String? = nil,
    tokenizer: String? = nil, threads: Int, _ options: ConversationOptions
  ) throws {
    ThreadPolicy.use(threads: threads)
    let model = try OpenedModel(
      opening: path, configuration: configuration, base: base, tokenizer: tokenizer)
    let generator = try TextGenerator(
      runner: model.runner, tokenizer: model.tokenizer(), file: path)
    let template = try ChatTemplate(
      of: model.checkpoint, generator.tokenizer, family: options.family)
    try self.init(generator, template: template, options)
  }

  /// Bytes that the model remembers the conversation in.
  package var stateBytes: Int { session.byteCount(position: session.position) }

  /// Answers a message.
  ///
  /// - Parameters:
  ///   - message: The message.
  ///   - progress: Called for every part of the message that is read and every token of the answer,
  ///     with the text that it adds, which may be empty.
  /// - Returns: The answer; its `promptIDs` are what was read for it.
  /// - Throws: `PipelineError` for a conversation that is longer than the model's positions or the
  ///   memory, `FormatError` for a token that the model has not, and what `progress` throws; the
  ///   conversation cannot go on then.
  package mutating func answer(
    to message: String, progress: (_ text: String) throws -> Void
  ) throws -> GeneratedText {
    let tokenizer = generator.tokenizer
    let ids =
      count == 0
      ? tokenizer.encode(template.opening(message, system: options.system))
      : unread + tokenizer.encodeContinuation(template.continuation(message))
    count += 1
    try checkTokens(
      ids, vocabularySize: generator.runner.graph.vocabularySize, file: "message \(count)")
    var result = GeneratedText(prompt: message, promptIDs: ids)
    let limit = try reserve(ids.count)
    var next = ids
    var isComplete = false
    while !isComplete {
      let drawn = sampler.draw(try read(next, progress), row: 0)
      if ends.contains(drawn) { result.isEnded = true } else { result.ids.append(drawn) }
      isComplete = result.isEnded || result.ids.count == limit
      try progress(result.shown.grow(to: tokenizer.decode(result.ids), isComplete: isComplete))
      next = [drawn]
    }
    unread = result.isEnded ? [] : next
    return result
  }

  /// Reads tokens, and returns the logits that follow the last.
  private mutating func read(
    _ ids: [Int32], _ progress: (String) throws -> Void
  ) throws -> Matrix {
    var rest = ids[...]
    while rest.count > Self.pieceLength {
      let piece = rest.prefix(Self.pieceLength)
      _ = try session.advance(TokenBatch(ids: Array(piece), length: piece.count))
      rest = rest.dropFirst(piece.count)
      try progress("")
    }
    return try session.advance(TokenBatch(ids: Array(rest), length: rest.count))
  }

  /// Makes room for `read` tokens and an answer, and returns how many tokens that may have.
  private mutating func reserve(_ read: Int) throws(PipelineError) -> Int {
    let graph = generator.runner.graph
    let used = session.position + read
    var limit = options.maximumTokens
    if graph.attentions.contains(where: \.hasLastPosition) {
      let maximum = graph.maximumLength
      guard used < maximum else {
        throw .invalidInput(
          name: "message \(count)",
          problem: "expected at most \(max(0, maximum - 1 - session.position)) tokens (the model's"
            + " \(maximum) positions less the \(session.position) of the conversation and one to"
            + " write at), found \(read)")
      }
      limit = min(limit, maximum - used)
    }
    try requireMemory(
      Double(DecodingSession.rowBytes(of: generator.runner, capacity: used + limit)),
      of: .maxTokens)
    session.reserve(used + limit)
    return limit
  }
}
