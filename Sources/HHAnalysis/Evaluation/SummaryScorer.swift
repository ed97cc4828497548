// How much of people's summaries of a text a decoder's own say again.

internal import HHData
internal import HHFormat
internal import HHModel

/// ROUGE-1, ROUGE-2 and ROUGE-L of summaries written greedily after a prompt with the text.
///
/// A text that leaves no room for its summary in the model's positions loses its end.
struct SummaryScorer: Scorer {
  private let examples: [SummaryExample]
  private let tokenizer: any Tokenizer
  private let room: Int

  /// Most tokens of a summary, and prompts that are written on side by side.
  private static let summaryTokens = 64
  private static let batch = 8

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    let graph = model.runner.graph
    guard graph.hasLanguageModelHead else {
      throw PipelineError.invalidSetting(
        .task, problem: "summarise needs a decoder with a language-model head, found none")
    }
    tokenizer = try model.tokenizer()
    room = min(options.length ?? 1024, graph.maximumLength) - Self.summaryTokens
    guard room > 0 else {
      throw PipelineError.invalidSetting(
        .length,
        problem: "expected more than the \(Self.summaryTokens) tokens of a summary, found"
          + " \(room + Self.summaryTokens)")
    }
    examples = Array(
      try SummaryExample.read(at: options.data).prefix(options.rowLimit ?? .max))
  }

  var description: String { "\(examples.count) texts to summarise" }

  func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    let generator = try TextGenerator(runner: runner, tokenizer: tokenizer)
    var sums = (one: 0.0, two: 0.0, longest: 0.0)
    for start in stride(from: 0, to: examples.count, by: Self.batch) {
      let part = examples[start..<min(examples.count, start + Self.batch)]
      let options = GenerationOptions(
        prompts: part.map { prompt(of: $0.text) }, maximumTokens: Self.summaryTokens,
        sampling: SamplingOptions(temperature: 0))
      let texts = try generator.generate(options) { _, _ in
        try progress(Double(start) / Double(examples.count))
      }
      for (example, written) in zip(part, texts) {
        // Each against the reference that it comes closest to, as for several references.
        let scores = example.references.map { ROUGE(written.text, reference: $0) }
        sums.one += scores.map(\.one).max() ?? 0
        sums.two += scores.map(\.two).max() ?? 0
        sums.longest += scores.map(\.longest).max() ?? 0
      }
      try progress(Double(start + part.count) / Double(examples.count))
    }
    let count = Double(examples.count)
    return [
      Metric(name: "ROUGE-1", value: sums.one / count),
      Metric(name: "ROUGE-2", value: sums.two / count),
      Metric(name: "ROUGE-L", value: sums.longest / count),
    ]
  }

  /// The prompt of a text, as long as there is room for.
  private func prompt(of text: String) -> String {
    func prompt(_ text: String) -> String { "Summarize this dialog:\n\(text)\n---\nSummary:\n" }
    func count(_ text: String) -> Int {
      tokenizer.frame.prefix.count + tokenizer.encode(prompt(text)).count
    }
    var (low, high) = (0, text.count)
    if count(text) <= room { low = high }
    while low < high {
      let middle = (low + high + 1) / 2
      if count(String(text.prefix(middle))) <= room { low = middle } else { high = middle - 1 }
    }
    return prompt(String(text.prefix(low)))
  }
}

/// A text and what people made of it.
struct SummaryExample: Sendable, Equatable {
  let text: String
  let references: [String]

  /// Reads JSON lines with `dialogue` (or `document`, `text`) and `summary`, or `summary1` and so on.
  ///
  /// - Throws: `badData` with the line for one that has neither.
  static func read(at path: String) throws(FormatError) -> [SummaryExample] {
    var examples: [SummaryExample] = []
    for (index, line) in try readText(at: path).utf8Lines.enumerated() where !line.isEmpty {
      func problem(_ text: String) -> FormatError {
        FormatError(.badData, file: path, place: "line \(index + 1)", problem: text)
      }
      let value: JSONValue
      do {
        value = try JSONValue(parsing: Array(line.utf8))
      } catch {
        throw problem("invalid JSON at byte \(error.offset): \(error.problem)")
      }
      guard let members = value.object else { throw problem("expected an object, found another") }
      let text = ["dialogue", "document", "text"].lazy.compactMap { members[$0]?.string }.first
      guard let text else { throw problem("expected the key 'dialogue' with text, found none") }
      let references = members.pairs.filter { $0.key.hasPrefix("summary") }
        .compactMap { $0.value.string }
      guard !references.isEmpty else {
        throw problem("expected the key 'summary' with text, found none")
      }
      examples.append(SummaryExample(text: text, references: references))
    }
    guard !examples.isEmpty else {
      throw FormatError(.badData, file: path, problem: "expected examples, found none")
    }
    return examples
  }
}
