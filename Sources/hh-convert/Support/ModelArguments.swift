// The arguments of commands that run one model.

import ArgumentParser
import HHModel

/// What a command that runs a model says of its first argument.
let modelHelp: ArgumentHelp = "An artifact or a checkpoint (file, index or folder)."

/// What opening and running a model takes, whichever it is.
///
/// A group of a command, not of another group: a debug build checks each level of groups four times
/// as often as the one above it.
struct OpeningArguments: ParsableArguments {
  @OptionGroup var delta: DeltaArguments

  @OptionGroup var unpacking: UnpackingArguments

  @Option(
    help: ArgumentHelp(
      "A configuration to use instead of the model's own.", valueName: "file"), completion: .file())
  var config: String?

  @OptionGroup var given: TokenizerArguments

  @Option(
    name: .customLong("threads"), parsing: .unconditional,
    help: "Threads to use (default: one per processor).")
  var wantedThreads: Int?

  func validate() throws { try check(wantedThreads, in: 1...1024, "--threads") }

  /// Threads to use.
  var threads: Int { wantedThreads ?? Producer.processorCount }

  var base: String? { delta.base }
  var tokenizer: String? { given.tokenizer }
}

/// Where a delta artifact finds the rest of its model.
struct DeltaArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model that a delta artifact or a PEFT adapter was made from.", valueName: "model"),
    completion: .file())
  var base: String?
}

/// A tokenizer for a model that has none, or one that is not known here.
struct TokenizerArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A tokenizer to use instead of the model's own: tokenizer.json or the like, or its folder.",
      valueName: "path"), completion: .file())
  var tokenizer: String?
}

/// Refuses a number outside the range of its option.
func check(_ value: Int?, in range: ClosedRange<Int>, _ name: String) throws {
  guard let value, !range.contains(value) else { return }
  throw ValidationError(
    "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
}

/// Refuses to print nothing and JSON at once.
func checkOutput(quiet: Bool, json: Bool) throws {
  if quiet && json { throw ValidationError("--quiet and --json exclude each other") }
}
