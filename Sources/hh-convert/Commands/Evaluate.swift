// hh-convert eval MODEL: what a model is worth on a task, beside the softmax model it came from.

import ArgumentParser
import HHAnalysis
import HHFormat
import HHPipeline
import HHTraining

struct Evaluate: UnpackingCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Measure an artifact on a task, beside the softmax model it was converted from.",
    discussion: helpExamples(
      "eval gpt2.hedgehog.safetensors.zst --task lm --data held-out.txt",
      "eval bert/ --task sts --data sts-test.tsv"))

  @Argument(help: modelHelp, completion: .file())
  var model: String

  @OptionGroup var opening: OpeningArguments

  @Option(
    help: """
      lm: perplexity on text or token ids. classification: accuracy, F1 and Matthews correlation on \
      labelled texts (.tsv, .csv or JSON with named columns) or images (IDX). glue: the same, or correlation with \
      scores. sts: correlation of sentence pairs' cosines with scores. summarise: ROUGE of \
      summaries (JSON lines with 'dialogue' and 'summary'). recall: the probability of a passkey, and of \
      pairs of tokens, that lie 128 to 2,048 tokens back in the data's text.
      """, completion: .list(EvaluationTask.allCases.map(\.rawValue)),
    transform: task)
  var task: EvaluationTask

  @Option(
    help: ArgumentHelp(
      "The examples to measure on.", valueName: "file"), completion: .file())
  var data: String

  @Option(
    help: ArgumentHelp(
      """
      The column that holds the text, or NAME,NAME for pairs (default: the names that GLUE has, or \
      text).
      """, valueName: "names"),
    transform: columnNames)
  var column: [String]?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Tokens per row, or most tokens of a text (default: 256).", valueName: "tokens"))
  var length: Int?

  @Option(parsing: .unconditional, help: "Most rows or examples, from the first (default: all).")
  var rows: Int?

  @Flag(
    help: """
      Of lm: the perplexity of tokens that come after 1, 2-3, 4-7, … others, too.
      """)
  var byPosition = false

  @Option(
    help: """
      Leave a part of the converted blocks' attention out: linear, window or attention (both).
      """, completion: .list(AttentionBranch.allCases.map(\.rawValue)),
    transform: Self.branch)
  var ablate: AttentionBranch?

  @Option(
    help: ArgumentHelp(
      "The softmax model to compare with (default: the artifact's own weights).", valueName: "model"
    ), completion: .file())
  var teacher: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  var unpacking: UnpackingArguments { opening.unpacking }

  func validate() throws {
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...1_000_000_000, "--rows")
    guard !byPosition || task == .languageModel else {
      throw ValidationError(
        "--by-position: expected --task \(EvaluationTask.languageModel.rawValue) beside it, found"
          + " --task \(task.rawValue)")
    }
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      var options = EvaluationOptions(
        model: model, task: task, data: data, threads: opening.threads)
      options.configuration = opening.config
      options.teacher = teacher
      options.base = opening.base
      options.tokenizer = opening.tokenizer
      options.columns = column
      options.length = length
      options.rowLimit = rows
      options.ablated = ablate
      options.isByPosition = byPosition
      let evaluation = try Interrupts.reading { try Evaluation(options) }
      let figures = try ProgressLine.following("eval", isQuiet: json) {
        try evaluation.run(progress: $0)
      }
      try Terminal.print(
        (json ? line(of: figures, evaluation.data) : table(of: figures, evaluation.data)) + "\n")
    }
  }

  private static func branch(_ word: String) throws -> AttentionBranch {
    if let branch = AttentionBranch(rawValue: word) { return branch }
    let known = AttentionBranch.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("expected one of \(known), found '\(word)'")
  }

  private static func task(_ word: String) throws -> EvaluationTask {
    if let task = EvaluationTask(rawValue: word) { return task }
    let known = EvaluationTask.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("expected one of \(known), found '\(word)'")
  }

  private func table(of figures: [EvaluationFigure], _ data: String) -> String {
    var lines = ["\(data) of \(self.data)"]
    let width = max(22, (figures.map(\.name.count).max() ?? 0) + 2)
    for figure in figures {
      var line = figure.name.padding(to: width) + Format.fixed(figure.value, 4)
      if let teacher = figure.teacher, let recovered = figure.recovered {
        line =
          line.padding(to: width + 10)
          + "softmax \(Format.fixed(teacher, 4))  (\(Format.fixed(100 * recovered, 1)) %)"
      }
      lines.append(line)
    }
    return joined(lines: lines)
  }

  private func line(of figures: [EvaluationFigure], _ data: String) -> String {
    JSONValue.object([
      "model": .string(model), "task": .string(task.rawValue), "data": .string(self.data),
      "examples": .string(data),
      "figures": .array(
        figures.map { .object($0.json) }),
    ]).line
  }
}

extension String {
  /// The text and spaces behind it up to a width, at least two.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(2, width - count))
  }
}
