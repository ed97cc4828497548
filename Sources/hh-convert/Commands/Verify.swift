// hh-convert verify FILE: is the file whole?

import ArgumentParser
import HHAnalysis
import HHFormat
import HHModel

struct Verify: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check every checksum, the schema and the shapes of an artifact or checkpoint.",
    discussion: helpExamples(
      "verify gpt2.hedgehog.safetensors.zst",
      "verify delta.hedgehog.safetensors.zst --base gpt2/"))

  @Argument(help: "An artifact or a checkpoint.", completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp(
      "A configuration to use instead of the config.json beside the checkpoint.", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(
    help: ArgumentHelp(
      "The model that a delta artifact was made from, to check all of it.", valueName: "model"),
    completion: .file())
  var base: String?

  @OptionGroup var unpacking: UnpackingArguments

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(help: "Print one JSON object, for a broken file too.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func validate() throws {
    try check(threads, in: 1...1024, "--threads")
    try checkOutput(quiet: quiet, json: json)
  }

  func run() throws {
    try ReportedFailure.reporting {
      do {
        let result = try Verification(
          of: file, configuration: config, base: base, threads: threads ?? Producer.processorCount)
        if json { return try Terminal.print(result.json.line + "\n") }
        if quiet { return }
        try Terminal.print(
          "\(inline(result.path)): sound: \(Format.count(result.tensorCount)) tensors,"
            + " \(Format.bytes(result.byteCount)) (\(result.checks.spelled(SettingNames.option)))\n"
        )
      } catch let error as FormatError where error.kind == .badData {
        if json {
          let report: JSONObject = [
            "file": .string(file), "sound": .bool(false),
            "defect": .string(error.text.spelled(SettingNames.option)),
          ]
          try Terminal.print(JSONValue.object(report).line + "\n")
        }
        throw ReportedFailure(
          message: error.text.spelled(SettingNames.option), status: .verificationFailed)
      }
    }
  }
}

extension Verification {
  /// The result as a JSON object.
  fileprivate var json: JSONValue {
    .object([
      "file": .string(path), "sound": .bool(true), "tensors": .integer(tensorCount),
      "bytes": .integer(byteCount), "checks": .string(checks.spelled(SettingNames.option)),
    ])
  }
}
