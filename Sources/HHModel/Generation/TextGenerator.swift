// Text that continues prompts.

internal import HHCompute
package import HHData
package import HHFormat

/// What to write and how.
package struct GenerationOptions: Sendable {
  /// Texts to continue, side by side.
  package var prompts: [String]
  /// Most tokens to write after each prompt.
  package var maximumTokens: Int
  /// How tokens are drawn.
  package var sampling: SamplingOptions
  /// Seed of the draws.
  package var seed: UInt64

  /// Creates options.
  package init(
    prompts: [String], maximumTokens: Int, sampling: SamplingOptions, seed: UInt64 = 0
  ) {
    self.prompts = prompts
    self.maximumTokens = maximumTokens
    self.sampling = sampling
    self.seed = seed
  }
}

/// What was written after one prompt.
package struct GeneratedText: Sendable, Equatable {
  package let prompt: String
  /// Ids of the prompt, with what the tokenizer puts before a text.
  package let promptIDs: [Int32]
  /// Ids that were written, without the one that ends a text.
  package internal(set) var ids: [Int32] = []
  /// The text of `ids`, as far as it was shown.
  var shown = ShownText()
  /// Whether the model ended the text itself.
  package internal(set) var isEnded = false

  /// The text of `ids`.
  package var text: String { shown.text }
}

/// Writes text with a decoder, softmax or converted; a converted one needs the same memory and the
/// same time for every token, however many went before.
package struct TextGenerator {
  let runner: ModelRunner
  let tokenizer: any Tokenizer
  /// Most bytes of the states and KV caches of prompts that are continued side by side.
  var memoryLimit = DecodingSession.memoryLimit

  /// Prepares to write with a model.
  ///
  /// - Throws: `unsupported` naming `file` where the model is no decoder or has no language-model
  ///   head.
  package init(
    runner: ModelRunner, tokenizer: @autoclosure () throws(FormatError) -> any Tokenizer,
    file: String = "model"
  ) throws(FormatError) {
    guard runner.graph.hasLanguageModelHead else {
      throw FormatError(
        .unsupported, file: file,
        problem: "expected a decoder with a language-model head, found \(runner.graph.summary)")
    }
    let tokenizer = try tokenizer()
    self.runner = runner
    self.tokenizer = tokenizer
  }

  /// Opens an artifact or a checkpoint to write with; `base` is the model that a delta was made
  /// from.
  package init(
    opening path: String, configuration: String? = nil, base: String? = nil,
    tokenizer: String? = nil, threads: Int
  ) throws {
    ThreadPolicy.use(threads: threads)
    let model = try OpenedModel(
      opening: path, configuration: configuration, base: base, tokenizer: tokenizer)
    try self.init(runner: model.runner, tokenizer: model.tokenizer(), file: path)
  }

  /// The lines of a file, each a prompt; empty lines are passed over.
  package static func prompts(at path: String) throws(FormatError) -> [String] {
    let prompts = try readText(at: path).utf8Lines.filter { !$0.isEmpty }
    guard !prompts.isEmpty else {
      throw FormatError(
        .badData, file: path, problem: "expected a prompt on each line, found no line with text")
    }
    return prompts
  }

  /// Continues every prompt until its text ends or has `maximumTokens` more tokens.
  ///
  /// As many prompts as there is memory for are read side by side, so a shorter one is written on
  /// while a longer one is still being read; what is written after one does not depend on the
  /// others.
  ///
  /// - Parameters:
  ///   - options: The prompts, and how to continue them.
  ///   - progress: Called at every token with the number of the prompt and the text that the token
  ///     adds to it, which may be empty.
  /// - Returns: What was written, in the order of the prompts.
  /// - Throws: `PipelineError` for a prompt that is empty or too long for the model's positions and
  ///   for more tokens than memory holds, `FormatError` for a token that the model does not have
  ///   and for weights that cannot be read, and what `progress` throws.
  package func generate(
    _ options: GenerationOptions, progress: (_ prompt: Int, _ text: String) throws -> Void
  ) throws -> [GeneratedText] {
    let results = try options.prompts.enumerated().map { index, prompt throws(PipelineError) in
      GeneratedText(
        prompt: prompt, promptIDs: try promptIDs(of: prompt, number: index + 1, options))
    }
    for (index, result) in results.enumerated() {
      try checkTokens(
        result.promptIDs, vocabularySize: runner.graph.vocabularySize, file: "prompt \(index + 1)")
    }
    guard !results.isEmpty, options.maximumTokens > 0 else { return results }
    let capacity = (results.map(\.promptIDs.count).max() ?? 0) + options.maximumTokens
    let rowBytes = DecodingSession.rowBytes(of: runner, capacity: capacity)
    try requireMemory(Double(rowBytes), of: .maxTokens)
    let group = DecodingSession.groupSize(
      rowCount: results.count, rowBytes: rowBytes, limit: memoryLimit)
    return try stride(from: 0, to: results.count, by: group).flatMap { start in
      let rows = results[start..<min(results.count, start + group)]
      return try goOn(from: Array(rows), firstRow: start, options, progress)
    }
  }

  /// Continues some prompts side by side, the first of which is number `firstRow` of all.
  private func goOn(
    from prompts: [GeneratedText], firstRow: Int, _ options: GenerationOptions,
    _ progress: (Int, String) throws -> Void
  ) throws -> [GeneratedText] {
    var results = prompts
    let lengths = results.map(\.promptIDs.count)
    let shared = lengths.min() ?? 0
    var sampler = TokenSampler(
      options: options.sampling, seed: options.seed, rowCount: results.count, firstRow: firstRow)
    var session = DecodingSession(
      runner: runner, rowCount: results.count,
      capacity: (lengths.max() ?? 0) + options.maximumTokens)
    var logits = try session.advance(
      TokenBatch(ids: results.flatMap { $0.promptIDs.prefix(shared) }, length: shared))
    while true {
      var next: [Int32] = []
      for row in results.indices {
        let read = session.position
        if read < lengths[row] {
          next.append(results[row].promptIDs[read])
          try progress(firstRow + row, "")
          continue
        }
        let drawn = sampler.draw(logits, row: row)
        if isOpen(results[row], options) {
          try progress(firstRow + row, append(drawn, to: &results[row], options))
        }
        next.append(drawn)
      }
      guard results.contains(where: { isOpen($0, options) }) else { return results }
      logits = try session.advance(TokenBatch(ids: next, length: 1))
    }
  }

  private func isOpen(_ result: GeneratedText, _ options: GenerationOptions) -> Bool {
    !result.isEnded && result.ids.count < options.maximumTokens
  }

  /// Appends a token and returns the text that it adds.
  private func append(
    _ id: Int32, to result: inout GeneratedText, _ options: GenerationOptions
  ) -> String {
    if tokenizer.special.ends.contains(id) { result.isEnded = true } else { result.ids.append(id) }
    // The prompt is decoded too, because the space before a word may depend on what precedes it.
    let whole = tokenizer.decode(result.promptIDs + result.ids)
    let text = whole.afterCommonScalars(with: tokenizer.decode(result.promptIDs))
    return result.shown.grow(to: text, isComplete: !isOpen(result, options))
  }

  private func promptIDs(
    of prompt: String, number: Int, _ options: GenerationOptions
  ) throws(PipelineError) -> [Int32] {
    var ids = tokenizer.frame.prefix + tokenizer.encode(prompt)
    // A model needs a token to begin with; GPT-2 was trained to begin after the end of another
    // text.
    if ids.isEmpty, let start = tokenizer.special.bos ?? tokenizer.special.eos { ids = [start] }
    guard !ids.isEmpty else {
      throw .invalidInput(
        name: "prompt \(number)", problem: "expected at least one token, found none")
    }
    guard runner.graph.attentions.allSatisfy(\.hasLastPosition) else { return ids }
    let maximum = runner.graph.maximumLength
    guard ids.count < maximum else {
      throw .invalidInput(
        name: "prompt \(number)",
        problem: "expected at most \(maximum - 1) tokens (the model's \(maximum) positions less"
          + " one to write at), found \(ids.count)")
    }
    guard ids.count + options.maximumTokens <= maximum else {
      throw .invalidSetting(
        .maxTokens,
        problem: "expected at most \(maximum - ids.count) (the model's \(maximum) positions"
          + " less the \(ids.count) of the prompt), found \(options.maximumTokens)")
    }
    return ids
  }
}

extension SettingKey {
  /// Most tokens to write.
  static let maxTokens = SettingKey(option: "max-tokens")
}
