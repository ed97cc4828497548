// hh-convert generate MODEL: text that goes on from prompts.

import ArgumentParser
import HHFormat
import HHModel

struct Generate: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write text with a decoder: an artifact, or a softmax checkpoint to compare with.")

  @Argument(help: modelHelp)
  var model: String

  @OptionGroup var opening: OpeningArguments

  @Option(name: .shortAndLong, help: "A text to go on from; may be given several times.")
  var prompt: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a prompt on each line.", valueName: "file"))
  var prompts: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Most tokens to write after each prompt.", valueName: "tokens"))
  var maxTokens = 100

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

  @Flag(help: "Print one JSON object per prompt.")
  var json = false

  var unpacking: UnpackingArguments { opening.unpacking }

  func validate() throws {
    try check(maxTokens, in: 1...1_048_576, "--max-tokens")
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
    if prompt.isEmpty == (prompts == nil) {
      throw ValidationError("expected either --prompt or --prompts")
    }
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let texts = try prompts.map { try TextGenerator.prompts(at: $0) } ?? prompt
      let options = GenerationOptions(
        prompts: texts, maximumTokens: maxTokens,
        sampling: SamplingOptions(temperature: temperature ?? 0, topK: topK, topP: topP ?? 1),
        seed: seed ?? 0)
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
  }

  private func line(of result: GeneratedText) -> String {
    JSONValue.object([
      "prompt": .string(result.prompt), "text": .string(result.text),
      "prompt_tokens": .integer(result.promptIDs.count),
      "tokens": .array(result.ids.map { .integer(Int($0)) }), "ended": .bool(result.isEnded),
    ]).line
  }
}
