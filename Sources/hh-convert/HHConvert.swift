// The command line: parse, call HHPipeline, print.

import ArgumentParser
import HHPipeline

/// The program; `convert` is what it does when no subcommand is named.
@main
struct HHConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hh-convert",
    abstract: "Turns trained softmax Transformers into Hedgehog linear-attention ones.",
    discussion: """
      hh-convert MODEL reads a checkpoint (a safetensors or GGUF file, a shard index or a \
      folder) of GPT-2, BERT, ViT or Llama, replaces every softmax attention block by a \
      Hedgehog block, trains the new feature maps to mimic the old attention weights, and \
      writes NAME\(ConversionOptions.artifactSuffix).
      """,
    version: Version.text,
    subcommands: [Convert.self, Inspect.self, Verify.self],
    defaultSubcommand: Convert.self)

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as ReportedFailure {
      Terminal.writeError("error: \(failure.message)\n")
      exit(withError: ExitCode(failure.status.rawValue))
    } catch {
      exit(withError: error)
    }
  }
}
