// hh-convert diff A B: do two files hold the same model?

import ArgumentParser
import HHAnalysis
import HHModel

struct Diff: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two checkpoints or artifacts tensor by tensor.",
    discussion: helpExamples(
      "diff gpt2/ exported/",
      "diff gpt2/model.safetensors gpt2.gguf --rtol 1e-3",
      discussion: """
        A and B may have different formats. Tensors of the same architecture are matched by what \
        they are for, so that prefixes and a tied head make no difference; others by name. Exit \
        status 0 means equal, 3 different. Without a tolerance equal means the same type and bits; \
        with one, |a - b| <= atol + rtol |b| for every element, whatever the types.
        """))

  @Argument(help: "A checkpoint (file, index or folder) or an artifact.", completion: .file())
  var a: String

  @Argument(help: "What to compare it with.", completion: .file())
  var b: String

  @Option(
    help: ArgumentHelp(
      "The model that a delta artifact among them was made from.", valueName: "model"),
    completion: .file())
  var base: String?

  @OptionGroup var unpacking: UnpackingArguments

  @Option(parsing: .unconditional, help: "Most that two values may differ by.")
  var atol: Double?

  @Option(parsing: .unconditional, help: "The same as a share of B's value.")
  var rtol: Double?

  @Option(parsing: .unconditional, help: "Threads to use (default: one per processor).")
  var threads: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func validate() throws {
    try check(threads, in: 1...1024, "--threads")
    for (value, name) in [(atol, "--atol"), (rtol, "--rtol")] {
      if let value, !(value >= 0 && value.isFinite) {
        throw ValidationError("\(name): expected a number of at least 0, found \(value)")
      }
    }
    try checkOutput(quiet: quiet, json: json)
  }

  func run() throws {
    let isEqual = try ReportedFailure.reporting {
      let comparison = try ModelComparison(
        of: a, and: b, base: base, tolerance: tolerance,
        threads: threads ?? Producer.processorCount)
      if !quiet {
        try Terminal.print((json ? comparison.json : comparison.text) + "\n")
      }
      return comparison.isEqual
    }
    // A difference is a result, not a failure: the status says it, and no message.
    if !isEqual { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }

  private var tolerance: Tolerance? {
    atol == nil && rtol == nil ? nil : Tolerance(absolute: atol ?? 0, relative: rtol ?? 0)
  }
}
