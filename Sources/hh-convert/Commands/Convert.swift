// hh-convert MODEL: the main job.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline

struct Convert: ParsableCommand, SettingArguments {
  static let configuration = CommandConfiguration(
    abstract: "Convert a checkpoint to a Hedgehog artifact (the default subcommand).",
    discussion: helpExamples(
      "convert gpt2/ --data corpus.txt",
      "convert smollm2.gguf --recipe hybrid --effort quick"))

  @Argument(
    help: """
      A .safetensors or GGUF file, a .safetensors.index.json, a folder with one of them, or the name \
      of a model that the Hugging Face cache holds.
      """, completion: .file())
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The model that MODEL, a PEFT adapter (LoRA), was trained on: both are merged.",
      valueName: "model"), completion: .file())
  var base: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The artifact to write (default: MODEL\(artifactSuffix)).", valueName: "file"),
    completion: .file())
  var output: String?

  @Option(\.self, \.adapter) var adapter: Given?
  @Option(\.self, \.configuration) var config: Given?
  @Option(\.self, \.tokenizer) var tokenizer: Given?
  @Option(\.self, \.run) var runFolder: Given?
  @Option(\.self, \.checkpointSteps) var checkpointSteps: Given?

  @Flag(help: "Go on with the run in the run folder, where there is one.")
  var resume = false

  @OptionGroup var arguments: ConversionArguments
  @OptionGroup var reporting: ReportArguments

  @Flag(help: "Print the plan and stop.")
  var dryRun = false

  @OptionGroup var flags: JobFlags

  func validate() throws {
    if model == nil && arguments.recipe == nil {
      throw ValidationError("Missing expected argument '<model>'")
    }
    try checkRanges()
  }

  func run() throws {
    try ReportedFailure.reporting(
      naming: SettingNames(
        given: given.map(\.name) + arguments.givenNames, recipe: arguments.recipe)
    ) {
      try Launcher.refuseCopies()
      let options = try options()
      Interrupts.listen(keepingRun: options.run != nil && !dryRun)
      if dryRun {
        let conversion = try Interrupts.reading { try Conversion(options) }
        try Interrupts.check()
        try conversion.checkWeights()
        let plan = conversion.plan
        try Terminal.print(flags.json ? ConversionEvent.planned(plan).jsonLine() : plan.text + "\n")
        return
      }
      let run = resume ? try options.run.flatMap(RunFolder.openIfPresent) : nil
      if let run, !flags.force, try run.isDone(options) { return try flags.showDone(run, options) }
      try EventPrinter(flags.manner).follow(resuming: run) { report in
        try Interrupts.reading { try Conversion(options, resuming: run, report: report) }
      }
    }
  }

  private func options() throws -> ConversionOptions {
    var own = ConversionOptions()
    config?.apply(&own)
    var options = try arguments.options(
      model: model, configuration: own.configuration, base: base)
    guard options.initialWeights == nil else {
      throw PipelineError.invalidInput(
        name: "--recipe", problem: "expected one that converts a model, found one for 'train'")
    }
    if let output { options.output = output }
    options.base = base
    for given in [adapter, config, tokenizer, runFolder, checkpointSteps].compactMap(\.self) {
      given.apply(&options)
    }
    if let checkpointSteps, options.run == nil {
      throw PipelineError.missingSetting(options.key(\.run), beside: checkpointSteps.key)
    }
    if resume, options.run == nil {
      throw PipelineError.missingSetting(options.key(\.run), beside: SettingKey(option: "resume"))
    }
    options.force = flags.force
    reporting.apply(&options)
    if let recipe = arguments.recipe { try options.rejectOverwriting(recipe: recipe) }
    return options
  }
}
