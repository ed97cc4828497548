// hh-convert resume RUN: going on with a conversion that was stopped.

import ArgumentParser
import HHPipeline

struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a conversion that keeps a run folder and was stopped.",
    discussion: """
      The result has the same bytes as if the run had never been stopped. With another learning \
      rate a layer of distillation that was begun is begun again.
      """)

  @Argument(help: "The folder that 'convert --run' made.")
  var folder: String

  @Option(
    name: .customLong("lr"), parsing: .unconditional,
    help: "From here on another highest learning rate of distillation.")
  var learningRate: Double?

  @Option(
    name: .customLong("finetune-lr"), parsing: .unconditional,
    help: "From here on another highest learning rate of finetuning.")
  var finetuneRate: Double?

  @Flag(help: "Replace an existing output.")
  var force = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print events as JSON lines on standard output; the last one is the summary.")
  var json = false

  func validate() throws {
    if quiet && json { throw ValidationError("--quiet and --json exclude each other") }
    for (name, rate) in [("--lr", learningRate), ("--finetune-lr", finetuneRate)] {
      if let rate, !(rate > 0 && rate.isFinite) {
        throw ValidationError("\(name): expected a positive number, found \(rate)")
      }
    }
  }

  /// Whether the output is there: an artifact of these settings, or the folder of a softmax model.
  private func isDone(_ run: RunFolder, _ options: ConversionOptions) throws -> Bool {
    if options.rewrites { return try Completion(of: options) == .done }
    return try run.isFinished() && options.hasOutput
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let run = try RunFolder(opening: folder)
      var options = try run.options()
      if let learningRate { options.distillation.learningRate = learningRate }
      if let finetuneRate { options.finetuning.learningRate = finetuneRate }
      if learningRate != nil || finetuneRate != nil { try run.replace(options) }
      options.force = force
      if !force, try isDone(run, options) {
        if !quiet && !json {
          Terminal.show("\(folder): done already: \(options.outputPath)\n")
        }
        return
      }
      try EventPrinter(.chosen(json: json, quiet: quiet)).follow { report in
        try Conversion(options, resuming: run, report: report)
      }
    }
  }
}
