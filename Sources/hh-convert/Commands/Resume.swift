// hh-convert resume RUN: going on with a conversion that was stopped.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline
import HHTraining

struct Resume: ParsableCommand, SettingArguments {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a conversion that keeps a run folder and was stopped.",
    discussion: helpExamples(
      "resume gpt2.run",
      "resume gpt2.run --lr 0.01",
      discussion: """
        The result has the same bytes as if the run had never been stopped. With another learning \
        rate a layer of distillation that was begun is begun again; layers that are done stay as \
        they are, and the artifact names the rate that they were trained at.
        """))

  @Argument(help: "The folder that 'convert --run' made.", completion: .directory)
  var folder: String

  @Option(
    \.distillation, \.learningRate,
    help: "From here on another highest learning rate of distillation.")
  var learningRate: Given?

  @Option(
    \.finetuning, \.learningRate,
    help: "From here on another highest learning rate of finetuning.")
  var finetuneRate: Given?

  @OptionGroup var reporting: ReportArguments
  @OptionGroup var flags: JobFlags

  func validate() throws { try checkRanges() }

  /// The run's settings with the rates that were given, where the run has a use for them; whether
  /// anything is left to be trained at them is known once it is opened.
  private func options(of run: RunFolder) throws -> ConversionOptions {
    var options = try run.options()
    let distils =
      options.initialWeights == nil && options.stages.contains(.distil)
      && options.distillation.isEnabled
    for (rate, stage, isThere) in [
      (learningRate, "distillation", distils),
      (finetuneRate, "finetuning", options.finetuning.isEnabled),
    ] {
      guard let rate else { continue }
      guard isThere else {
        throw PipelineError.invalidSetting(
          rate.key, problem: "expected a run with \(stage), found one without")
      }
      guard !run.isFinished() else {
        throw PipelineError.invalidSetting(
          rate.key, problem: "expected a run that has \(stage) left to do, found a finished one")
      }
      rate.apply(&options)
    }
    return options
  }

  func run() throws {
    try ReportedFailure.reporting(
      naming: SettingNames(
        given: given.map(\.name), recipe: "\(folder)/recipe.yaml", help: Self.helpMessage())
    ) {
      Interrupts.listen(keepingRun: true)
      let run = try RunFolder(opening: folder)
      var options = try options(of: run)
      options.force = flags.force
      reporting.apply(&options)
      if !flags.force, try run.isDone(options) { return try flags.showDone(run, options) }
      try EventPrinter(flags.manner).follow(resuming: run) { report in
        try Interrupts.reading { try Conversion(options, resuming: run, report: report) }
      }
    }
  }
}
