// hh-convert eval MODEL: what a model is worth on a task, beside the softmax model it came from.

import ArgumentParser
import HHFormat
import HHPipeline

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Measure an artifact on a task, beside the softmax model it was converted from.")

  @Argument(help: "An artifact or a checkpoint (file, index or folder).")
  var model: String

  @Option(
    help: """
      lm: perplexity on text or token ids. classification: accuracy, F1 and Matthews correlation on \
      labelled texts (.tsv with a header) or images (IDX). glue: the same, or correlation with \
      scores. sts: correlation of sentence pairs' cosines with scores. summarise: ROUGE of \
      summaries (JSON lines with 'dialogue' and 'summary').
      """,
    transform: task)
  var task: EvaluationTask

  @Option(help: "The examples to measure on.")
  var data: String

  @Option(parsing: .unconditional, help: "Tokens per row, or most tokens of a text (default: 256).")
  var length: Int?

  @Option(parsing: .unconditional, help: "Most rows or examples, from the first (default: all).")
  var rows: Int?

  @Option(
    help: """
      Leave a part of the converted blocks' attention out: linear, window or attention (both).
      """,
    transform: Self.branch)
  var ablate: AttentionBranch?

  @Option(help: "The softmax model to compare with (default: the artifact's own weights).")
  var teacher: String?

  @Option(help: "The model that a delta artifact was made from.")
  var base: String?

  @Option(help: "A configuration to use instead of the model's own.")
  var config: String?

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try check(length, in: 2...1_048_576, "--length")
    try check(rows, in: 1...1_000_000_000, "--rows")
    try check(threads, in: 1...1024, "--threads")
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      var options = EvaluationOptions(
        model: model, task: task, data: data, threads: threads ?? Producer.processorCount)
      options.configuration = config
      options.teacher = teacher
      options.base = base
      options.length = length
      options.rowLimit = rows
      options.ablated = ablate
      let evaluation = try Evaluation(options)
      let figures = try evaluation.run { _ in try Interrupts.check() }
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
    for figure in figures {
      var line = figure.name.padding(to: 22) + fixed(figure.value, 4).padding(to: 10)
      if let teacher = figure.teacher, let recovered = figure.recovered {
        line += "softmax \(fixed(teacher, 4))  (\(fixed(100 * recovered, 1)) %)"
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }

  private func line(of figures: [EvaluationFigure], _ data: String) -> String {
    JSONValue.object([
      "model": .string(model), "task": .string(task.rawValue), "data": .string(self.data),
      "examples": .string(data),
      "figures": .array(
        figures.map { .object($0.json) }),
    ]).text
  }
}

extension String {
  /// The text and spaces behind it up to a width, at least two.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(2, width - count))
  }
}
