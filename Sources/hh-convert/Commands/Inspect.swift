// hh-convert inspect FILE: what a file holds.

import ArgumentParser
import HHAnalysis

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a checkpoint's or artifact's architecture, dtypes, tensors and manifest.",
    discussion: helpExamples(
      "inspect smollm2.gguf",
      "inspect gpt2.hedgehog.safetensors.zst --json"))

  @Argument(help: "A checkpoint (file, index or folder) or an artifact.", completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp(
      "A configuration to use instead of the config.json beside the checkpoint.", valueName: "file"),
    completion: .file())
  var config: String?

  @Flag(
    help: "Print a line for every tensor, and not one for all that equal layers have of a kind.")
  var all = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    try ReportedFailure.reporting {
      let inspection = try Inspection(of: file, configuration: config)
      try Terminal.print(
        (json
          ? inspection.jsonLine(SettingNames.option)
          : inspection.text(listingAll: all, SettingNames.option)) + "\n")
    }
  }
}
