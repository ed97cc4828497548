// The command line: parse, call HHPipeline, print.

import ArgumentParser
import Glibc
import HHData
import HHFormat

/// The program; `convert` is what it does when no subcommand is named.
@main
struct HHConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hh-convert",
    abstract: "Turns trained softmax Transformers into Hedgehog linear-attention ones.",
    usage: """
      hh-convert [convert] MODEL [<options>]
      hh-convert <subcommand>
      """,
    discussion: """
      hh-convert MODEL reads a checkpoint (a safetensors or GGUF file, a shard index or a \
      folder) of a known architecture (\(Format.alternatives(ArchitectureSchema.names))), \
      replaces every softmax attention block by a Hedgehog block, trains the new feature maps \
      to mimic the old attention weights, and writes NAME\(artifactSuffix).
      """,
    version: Version.text,
    subcommands: [
      Convert.self, Train.self, Resume.self, Inspect.self, Verify.self, Diff.self,
      ExportCommand.self, Pack.self, Batch.self, Sbatch.self, Generate.self, Embed.self,
      Classify.self,
      Evaluate.self, Diagnose.self, ReportCommand.self, BenchCommand.self, RecipeCommand.self,
    ],
    defaultSubcommand: Convert.self)

  static func main() {
    Terminal.ensureStandardStreams()
    ChildProcess.followParent()
    Surroundings.handleFatalSignals()
    do {
      try Surroundings.check()
      try KernelChoice.settle()
      try checkArguments()
      try checkCommand()
      var command = try parseAsRoot()
      try command.runLimited()
    } catch let failure as ReportedFailure {
      end(failure)
    } catch {
      // Requests for help and for the version come as errors too.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      end(
        ReportedFailure(
          message: withoutRepetition(message(for: error))
            + "\nhint: 'hh-convert help \(command)' lists the options",
          status: .usage))
    }
  }

  /// Refuses arguments that are not UTF-8: as text they would name other files than were meant.
  private static func checkArguments() throws(ReportedFailure) {
    for (index, text) in CommandLine.arguments.enumerated().dropFirst() {
      // Safe: there are as many C strings as texts, which the system made and nobody changes.
      guard let argument = unsafe CommandLine.unsafeArgv[index],
        unsafe String(validatingCString: argument) == nil
      else { continue }
      throw ReportedFailure(
        message: "argument \(index): expected UTF-8, found \(quoted(text))", status: .usage)
    }
  }

  /// Refuses a first word that is no file and all but a command's name: it would count as a model.
  private static func checkCommand() throws(ReportedFailure) {
    guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"),
      !commands.contains(word), !isPresent(word),
      let meant = nearestName(to: word, among: commands)
    else { return }
    throw ReportedFailure(
      message: "\(quoted(word)): expected a command or a model, found neither"
        + "\nhint: did you mean '\(meant)'?", status: .usage)
  }

  private static let commands =
    configuration.subcommands.map { $0.configuration.commandName ?? "\($0)".lowercased() } + [
      "help"
    ]

  /// The subcommand that the arguments name.
  private static var command: String {
    CommandLine.arguments.dropFirst().first { commands.contains($0) } ?? "convert"
  }

  private static func end(_ failure: ReportedFailure) -> Never {
    Terminal.writeError("error: \(failure.message)\n")
    // Not by the parser's way out, which asks for the version, and so loads OpenBLAS.
    Glibc.exit(failure.status.rawValue)
  }
}
