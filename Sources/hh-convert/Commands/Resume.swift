// hh-convert resume RUN: going on with a conversion that was stopped.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline
import HHTraining

struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a conversion that keeps a run folder and was stopped.",
    discussion: """
      The result has the same bytes as if the run had never been stopped. With another learning \
      rate a layer of distillation that was begun is begun again; layers that are done stay as \
      they are, and the artifact names the rate that they were trained at.
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
    try checkOutput(quiet: quiet, json: json)
    for (name, rate) in [("--lr", learningRate), ("--finetune-lr", finetuneRate)] {
      if let rate, !(rate > 0 && rate.isFinite) {
        throw ValidationError("\(name): expected a positive number, found \(rate)")
      }
    }
  }

  /// Whether the output is there: an artifact of these settings, or the folder of a softmax model.
  private func isDone(_ run: RunFolder, _ options: ConversionOptions) throws -> Bool {
    guard options.hasOutput else { return false }
    guard options.rewrites else { return run.isFinished() }
    return try Completion(of: run.remembering(options)) == .done
  }

  /// The run's settings with the rates that were given, where the run has a use for them; whether
  /// anything is left to be trained at them is known once it is opened.
  private func options(of run: RunFolder) throws -> ConversionOptions {
    var options = try run.options()
    let distils =
      options.start == nil && options.stages.contains(.distil)
      && (options.distillation.steps > 0 || options.distillation.epochs != nil)
    for (name, rate, stage, isThere) in [
      ("--lr", learningRate, "distillation", distils),
      ("--finetune-lr", finetuneRate, "finetuning", options.finetuning.isOn),
    ] where rate != nil {
      guard isThere else {
        throw PipelineError.invalidOption(
          name: name, problem: "expected a run with \(stage), found one without")
      }
      guard !run.isFinished() else {
        throw PipelineError.invalidOption(
          name: name, problem: "expected a run that has \(stage) left to do, found a finished one")
      }
    }
    if let learningRate { options.distillation.learningRate = learningRate }
    if let finetuneRate { options.finetuning.learningRate = finetuneRate }
    return options
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let run = try RunFolder(opening: folder)
      var options = try options(of: run)
      options.force = force
      if !force, try isDone(run, options) {
        if !quiet && !json {
          Terminal.show(inline("\(folder): done already: \(options.outputPath)") + "\n")
        }
        return
      }
      try EventPrinter(.chosen(json: json, quiet: quiet)).follow { report in
        try Interrupts.reading { try Conversion(options, resuming: run, report: report) }
      }
    }
  }
}
