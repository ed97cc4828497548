// hh-convert MODEL: the main job.

import ArgumentParser
import HHPipeline

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a checkpoint to a Hedgehog artifact (the default subcommand).")

  @Argument(help: "A .safetensors file, a .safetensors.index.json, or a folder with either.")
  var model: String?

  @Option(
    name: .shortAndLong,
    help: "The artifact to write (default: MODEL\(ConversionOptions.artifactSuffix)).")
  var output: String?

  @Option(help: "A configuration to use instead of the config.json beside the checkpoint.")
  var config: String?

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
    if quiet && json { throw ValidationError("--quiet and --json exclude each other") }
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let conversion = try Conversion(options())
      try Interrupts.check()
      if dryRun {
        let plan = conversion.plan
        try Terminal.print(json ? ConversionEvent.planned(plan).jsonLine : plan.text + "\n")
        return
      }
      let printer = EventPrinter(manner)
      defer { printer.clear() }
      _ = try conversion.run { event in
        try Interrupts.check()
        printer.print(event)
      }
    }
  }

  private var manner: EventPrinter.Manner {
    if json { return .json }
    if quiet { return .quiet }
    return Terminal.isLive ? .live : .plain
  }

  private func options() throws -> ConversionOptions {
    var options = try arguments.options(model: model)
    if let output { options.output = output }
    if let config { options.configuration = config }
    options.force = force
    return options
  }
}
