// hh-convert verify FILE: is the file whole?

import ArgumentParser
import HHFormat
import HHPipeline

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check every checksum, the schema and the shapes of an artifact or checkpoint.")

  @Argument(help: "An artifact or a checkpoint.")
  var file: String

  @Option(help: "A configuration to use instead of the config.json beside the checkpoint.")
  var config: String?

  @Option(help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func run() throws {
    try ReportedFailure.reporting {
      do {
        let result = try Verification(
          of: file, configuration: config, threads: threads ?? Producer.processorCount)
        if quiet { return }
        Terminal.write(
          "\(result.path): sound: \(count(result.tensorCount)) tensors,"
            + " \(bytes(result.byteCount)) (\(result.checks))\n")
      } catch let error as FormatError where error.kind == .badData {
        throw ReportedFailure(message: error.description, status: .verificationFailed)
      }
    }
  }
}
