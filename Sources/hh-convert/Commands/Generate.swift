// hh-convert generate MODEL: text that goes on from prompts.

import ArgumentParser
import HHData
import HHFormat
import HHModel

struct Generate: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write text with a decoder: an artifact, or a softmax checkpoint to compare with.",
    discussion: helpExamples(
      "generate gpt2.hedgehog.safetensors.zst --prompt \"the cat\"",
      "generate smollm2.hedgehog.safetensors.zst --chat"))

  @Argument(help: modelHelp, completion: .file())
  var model: String

  @OptionGroup var opening: OpeningArguments

  @Option(
    name: .shortAndLong,
    help: "A text to go on from, or with --chat a message; may be given several times.")
  var prompt: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a prompt on each line.", valueName: "file"), completion: .file())
  var prompts: String?

  @Flag(
    help: """
      Talk with a chat model by its own template: messages are those of --prompt, or else lines of \
      standard input.
      """)
  var chat = false

  @Option(help: "What is said to the model before a chat (default: what its template says).")
  var system: String?

  @Option(
    help: ArgumentHelp(
      """
      A chat template in place of the model's own: \
      \(ChatFamily.names.joined(separator: ", ")).
      """, valueName: "name"), completion: .list(ChatFamily.names), transform: Self.family)
  var template: ChatFamily?

  @Option(
    name: .customLong("max-tokens"), parsing: .unconditional,
    help: ArgumentHelp(
      "Most tokens to write after each prompt (default: 100, with --chat 1000).",
      valueName: "tokens"))
  var wantedTokens: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Divides the logits; 0 takes the likeliest token (default: 0).", valueName: "value"))
  var temperature: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Draw from the k likeliest tokens only.", valueName: "k"))
  var topK: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Draw from the likeliest tokens that together have this probability only (default: 1).",
      valueName: "share"))
  var topP: Float?

  @Option(parsing: .unconditional, help: "Seed of the draws (default: 0).")
  var seed: UInt64?

  @Flag(help: "Print one JSON object per prompt or message.")
  var json = false

  var unpacking: UnpackingArguments { opening.unpacking }

  var maxTokens: Int { wantedTokens ?? (chat ? 1000 : 100) }

  var sampling: SamplingOptions {
    SamplingOptions(temperature: temperature ?? 0, topK: topK, topP: topP ?? 1)
  }

  private static func family(_ name: String) throws -> ChatFamily {
    if let family = ChatFamily(rawValue: name) { return family }
    throw ValidationError(
      "expected \(Format.alternatives(ChatFamily.names)), found \(quoted(name))")
  }

  func validate() throws {
    try check(wantedTokens, in: 1...1_048_576, "--max-tokens")
    try check(topK, in: 1...1_000_000_000, "--top-k")
    if let temperature, !(temperature >= 0 && temperature.isFinite) {
      throw ValidationError("--temperature: expected 0 or more, found \(temperature)")
    }
    if let topP, !(topP > 0 && topP <= 1) {
      throw ValidationError("--top-p: expected more than 0 and at most 1, found \(topP)")
    }
    let drawing = [("--top-k", topK != nil), ("--top-p", topP != nil), ("--seed", seed != nil)]
    if temperature == nil, let option = drawing.first(where: \.1)?.0 {
      throw ValidationError("\(option): expected --temperature beside it, found none")
    }
    try validateChat()
    if !chat, prompt.isEmpty == (prompts == nil) {
      throw ValidationError("expected either --prompt or --prompts")
    }
  }

  func run() throws {
    let status = try ReportedFailure.reporting {
      Interrupts.listen()
      if chat { return try converse() }
      try goOn()
      return ExitStatus.success
    }
    if status != .success { throw ExitCode(status.rawValue) }
  }

  /// Goes on from the prompts.
  private func goOn() throws {
    let texts = try prompts.map { try TextGenerator.prompts(at: $0) } ?? prompt
    let options = GenerationOptions(
      prompts: texts, maximumTokens: maxTokens, sampling: sampling, seed: seed ?? 0)
    let generator = try TextGenerator(
      opening: model, configuration: opening.config, base: opening.base,
      tokenizer: opening.tokenizer, threads: opening.threads)
    // A single text is shown as it comes.
    let isLive = texts.count == 1 && !json
    var isBegun = false
    let results = try generator.generate(options) { _, text in
      try Interrupts.check()
      guard isLive else { return }
      Terminal.show(written: isBegun ? text : texts[0] + text)
      isBegun = true
    }
    if isLive { return try Terminal.print(written: isBegun ? "\n" : texts[0] + "\n") }
    for result in results {
      if json {
        try Terminal.print(line(of: result) + "\n")
      } else {
        try Terminal.print(written: result.prompt + result.text + "\n")
      }
    }
  }

  func line(of result: GeneratedText) -> String {
    JSONValue.object([
      "prompt": .string(result.prompt), "text": .string(result.text),
      "prompt_tokens": .integer(result.promptIDs.count),
      "tokens": .array(result.ids.map { .integer(Int($0)) }), "ended": .bool(result.isEnded),
    ]).line
  }
}
