// The command line as a whole: help, version, and arguments that make no sense.

import HHFormat
import HHTestSupport
import Testing

@Suite("HHConvert")
struct HHConvertTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("--help names every command")
  func help() throws {
    let outcome = try Tool.run("--help", in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(
      outcome.output == """
        OVERVIEW: Turns trained softmax Transformers into Hedgehog linear-attention
        ones.

        hh-convert MODEL reads a checkpoint (a safetensors or GGUF file, a shard index
        or a folder) of a known architecture (gpt2, bert, vit or llama), replaces every
        softmax attention block by a Hedgehog block, trains the new feature maps to
        mimic the old attention weights, and writes NAME.hedgehog.safetensors.zst.

        USAGE: hh-convert [convert] MODEL [<options>]
               hh-convert <subcommand>

        OPTIONS:
          --version               Show the version.
          -h, --help              Show help information.

        SUBCOMMANDS:
          convert (default)       Convert a checkpoint to a Hedgehog artifact (the
                                  default subcommand).
          train                   Train a model, new or from a checkpoint, with softmax
                                  or Hedgehog attention.
          resume                  Go on with a conversion that keeps a run folder and
                                  was stopped.
          inspect                 Show a checkpoint's or artifact's architecture,
                                  dtypes, tensors and manifest.
          verify                  Check every checksum, the schema and the shapes of an
                                  artifact or checkpoint.
          diff                    Compare two checkpoints or artifacts tensor by tensor.
          export                  Write an artifact's model, or a checkpoint, for
                                  transformers, safetensors, GGUF or ONNX.
          pack                    Take a model that was exported for transformers and
                                  trained back into an artifact.
          batch                   Convert every checkpoint in folders and lists,
                                  skipping what is done.
          sbatch                  Print a Slurm job array that converts what is left of
                                  a batch.
          generate                Write text with a decoder: an artifact, or a softmax
                                  checkpoint to compare with.
          embed                   Turn texts or images into vectors, with an artifact
                                  or a softmax checkpoint.
          classify                Classify texts or images, with an artifact or a
                                  softmax checkpoint.
          eval                    Measure an artifact on a task, beside the softmax
                                  model it was converted from.
          diagnose                Compare attention weights with softmax's: of a
                                  model's layers, or of feature maps.
          report                  Write an HTML page about artifacts and runs: quality,
                                  layers, losses, time.
          bench                   Time an artifact's linear attention beside the
                                  softmax it replaced.
          recipe                  Show recipes, which hold the settings of a conversion.

          See 'hh-convert help <subcommand>' for detailed help.

        """)
  }

  @Test(
    "a misspelt command is answered with the one that was meant",
    arguments: [
      (["verfy", "x"], "verify"), (["inspct"], "inspect"),
      (["exprot", "x", "--to", "hf"], "export"),
    ])
  func misspelt(_ arguments: [String], _ meant: String) throws {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == 64)
    #expect(
      outcome.errors == """
        error: '\(arguments[0])': expected a command or a model, found neither
        hint: did you mean '\(meant)'?

        """)
  }

  @Test("a file of such a name is a model all the same")
  func fileNamedLikeACommand() throws {
    try bench.folder.write("", to: "verfy")
    let outcome = try Tool.run("verfy", in: bench.folder)
    #expect(outcome.status != 64 && !outcome.errors.contains("did you mean"))
  }

  @Test(
    "a wrong argument is answered with where the command's options are listed",
    arguments: [
      (["--no-such-option"], "convert"), (["convert"], "convert"), (["generate"], "generate"),
      (["diff", "one"], "diff"), (["eval", "x", "--task", "rouge"], "eval"),
      (["recipe", "x"], "recipe"),
    ])
  func usageHint(_ arguments: [String], _ command: String) throws {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == 64)
    #expect(
      outcome.errors.hasSuffix("hint: 'hh-convert help \(command)' lists the options\n"),
      "\(outcome.errors)")
  }

  @Test("the help of convert names every option")
  func convertHelp() throws {
    let outcome = try Tool.run("help", "convert", in: bench.folder)
    #expect(outcome.status == 0)
    let options = outcome.lines.filter { $0.hasPrefix("  -") }
      .flatMap { $0.split(whereSeparator: { " ,".contains($0) }) }.filter { $0.hasPrefix("-") }
    #expect(
      options == [
        "--base", "-o", "--output", "--adapter", "--config", "--tokenizer", "--run",
        "--checkpoint-steps", "--resume", "--recipe", "--effort", "--stages",
        "--feature-map", "--feature-dim", "--window", "--sinks", "--keep-softmax", "--data",
        "--held-out", "--column", "--length",
        "--steps", "--batch", "--rows", "--lr", "--budget", "--finetune-steps", "--finetune-lr",
        "--finetune-loss", "--finetune-parameters", "--lora", "--precision", "--max-memory",
        "--seed", "--threads",
        "--delta", "--allow-nonfinite", "--report", "--tensorboard", "--dry-run", "--force", "-q",
        "--quiet",
        "--json",
        "--version", "-h", "--help",
      ])
  }

  @Test("--version names the program, its version and its linear algebra")
  func version() throws {
    let outcome = try Tool.run("--version", in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.lines.count == 1)
    #expect(outcome.output.hasPrefix("hh-convert 0.1.0 (OpenBLAS "))
  }

  struct BadUsage: CustomTestStringConvertible {
    let arguments: [String]
    let message: String
    var testDescription: String { arguments.joined(separator: " ") }

    static let all = [
      ([], "Missing expected argument '<model>'"),
      (["models/gpt2", "--stepz", "4"], "Unknown option '--stepz'. Did you mean '--steps'?"),
      (["models/gpt2", "models/bert"], "Unexpected argument 'models/bert'"),
      (["models/gpt2", "--steps"], "Missing value for '--steps <steps>'"),
      (["models/gpt2", "--steps", "many"], "--steps: expected a whole number, found 'many'"),
      (["models/gpt2", "--steps", "-1"], "--steps: expected 0 to 10000000, found -1"),
      (["models/gpt2", "--steps", "99999999999"], "--steps: expected 0 to 10000000, found"),
      (["models/gpt2", "--batch", "0"], "--batch: expected 1 to 65536, found 0"),
      (["models/gpt2", "--length", "1"], "--length: expected 2 to 1048576, found 1"),
      (["models/gpt2", "--length", "129"], "--length: expected 2 to 128 (the model's positions)"),
      (["models/vit", "--length", "16"], "--length: expected none: an image has 17 positions"),
      (["models/gpt2", "--rows", "0"], "--rows: expected 1 to 1000000000, found 0"),
      (["models/gpt2", "--lr", "0"], "--lr: expected a positive number, found 0.0"),
      (["models/gpt2", "--lr", "nan"], "--lr: expected a positive number, found nan"),
      (["models/gpt2", "--threads", "0"], "--threads: expected 1 to 1024, found 0"),
      (["models/gpt2", "--seed", "-1"], "--seed: expected at least 0, found -1"),
      (["models/gpt2", "--budget", "soon"], "--budget: expected a duration such as"),
      (["models/gpt2", "--json", "--quiet"], "--quiet and --json exclude each other"),
      (
        ["models/gpt2", "--checkpoint-steps", "5"],
        "--checkpoint-steps: expected --run beside it, found none"
      ),
      (["models/gpt2", "--held-out", "x"], "--held-out: expected --data beside it, found none"),
      (["inspect"], "Missing expected argument '<file>'"),
      (["verify", "models/gpt2", "--threads", "0"], "--threads: expected 1 to 1024, found 0"),
    ].map { BadUsage(arguments: $0.0, message: $0.1) }
  }

  @Test("wrong arguments end with 64 and say what is wrong", arguments: BadUsage.all)
  func usage(_ bad: BadUsage) throws {
    let outcome = try Tool.run(bad.arguments, in: bench.folder)
    #expect(outcome.status == 64)
    expectError(outcome, bad.message)
    #expect(try bench.contents.isEmpty)
  }

  @Test("an argument that is not UTF-8 is refused, not changed")
  func encoding() throws {
    let outcome = try Tool.shell(
      "$hh models/gpt2 --stages rewrite -o \"$(printf 'bad\\377.zst')\"", in: bench.folder)
    #expect(outcome.status == 64)
    expectError(outcome, "error: argument 5: expected UTF-8, found 'bad\u{FFFD}.zst'")
    #expect(try bench.contents.isEmpty)
  }
}
