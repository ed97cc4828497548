// hh-convert MODEL: the main job.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a checkpoint to a Hedgehog artifact (the default subcommand).")

  @Argument(
    help: """
      A .safetensors or GGUF file, a .safetensors.index.json, a folder with one of them, or the name \
      of a model that the Hugging Face cache holds.
      """)
  var model: String?

  @Option(help: "The model that MODEL, a PEFT adapter (LoRA), was trained on: both are merged.")
  var base: String?

  @Option(
    name: .shortAndLong,
    help: "The artifact to write (default: MODEL\(artifactSuffix)).")
  var output: String?

  @Option(help: "A new folder for the trained adapters (LoRA) as PEFT keeps them.")
  var adapter: String?

  @Option(help: "A configuration to use instead of the config.json beside the checkpoint.")
  var config: String?

  @OptionGroup var given: TokenizerArguments

  @Option(
    name: .customLong("run"),
    help: """
      A new folder to keep the settings, every event and checkpoints in, so that 'resume' can go on \
      with a conversion that was stopped.
      """)
  var runFolder: String?

  @Option(
    parsing: .unconditional,
    help: "Steps of training between two checkpoints of a run (default: 100).")
  var checkpointSteps: Int?

  @OptionGroup var arguments: ConversionArguments

  @Flag(help: "Print the plan and stop.")
  var dryRun = false

  @Flag(help: "Replace an existing output.")
  var force = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print events as JSON lines on standard output; the last one is the summary.")
  var json = false

  func validate() throws {
    if model == nil && arguments.recipe == nil {
      throw ValidationError("Missing expected argument '<model>'")
    }
    try check(checkpointSteps, in: 1...10_000_000, "--checkpoint-steps")
    try checkOutput(quiet: quiet, json: json)
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      if dryRun {
        let conversion = try Interrupts.reading { try Conversion(options()) }
        try Interrupts.check()
        try conversion.checkWeights()
        let plan = conversion.plan
        try Terminal.print(json ? ConversionEvent.planned(plan).jsonLine : plan.text + "\n")
        return
      }
      try EventPrinter(.chosen(json: json, quiet: quiet)).follow { report in
        try Interrupts.reading { try Conversion(options(), report: report) }
      }
    }
  }

  private func options() throws -> ConversionOptions {
    var options = try arguments.options(model: model)
    guard options.start == nil else {
      throw PipelineError.invalidOption(
        name: "--recipe", problem: "expected one that converts a model, found one for 'train'")
    }
    if let output { options.output = output }
    if let adapter { options.adapter = adapter }
    options.base = base
    if let config { options.configuration = config }
    options.tokenizer = given.tokenizer
    if let runFolder { options.run = runFolder }
    if let checkpointSteps {
      guard options.run != nil else {
        throw PipelineError.invalidOption(
          name: "--checkpoint-steps", problem: "expected --run beside it, found none")
      }
      options.checkpointSteps = checkpointSteps
    }
    options.force = force
    if let recipe = arguments.recipe { try options.spare(recipe: recipe) }
    return options
  }
}
