// hh-convert pack FOLDER: an export that was trained elsewhere, back in an artifact.

import ArgumentParser
import HHFormat
import HHModel
import HHPipeline

struct Pack: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a model that was exported for transformers and trained back into an artifact.",
    discussion: helpExamples(
      "pack trained --base gpt2.hedgehog.safetensors.zst -o trained.hst",
      "pack adapter --base gpt2.hedgehog.safetensors.zst",
      discussion: """
        FOLDER is one that 'export --to hf' wrote and that was trained and saved by transformers, \
        or one with a PEFT adapter (LoRA) for such a model, which needs --base. With the artifact \
        that was exported as --base, tensors that did not change stay as they are there, and the \
        new artifact says which did. What the folder says of its training is quoted.
        """))

  @Argument(help: "The folder of the trained model or adapter.", completion: .directory)
  var folder: String

  @Option(
    help: ArgumentHelp("The artifact that was exported.", valueName: "artifact"),
    completion: .file())
  var base: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The artifact to write (default: by the folder's name, in the working folder).",
      valueName: "path"), completion: .file())
  var output: String?

  @Flag(help: "Pack weights that are not finite all the same.")
  var allowNonfinite = false

  @OptionGroup var unpacking: UnpackingArguments

  @Option(
    name: .customLong("threads"), parsing: .unconditional,
    help: "Threads to use (default: one per processor).")
  var threads: Int?

  @OptionGroup var flags: JobFlags

  func validate() throws { try check(threads, in: 1...1024, "--threads") }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let packing = try Packing(options)
      try Interrupts.check()
      let printer = EventPrinter(flags.manner)
      let summary = try {
        defer { printer.clear() }
        return try packing.run { event in
          try Interrupts.check()
          printer.print(event)
        }
      }()
      if flags.json { return try Terminal.print(summary.json.line + "\n") }
      if !flags.quiet { try Terminal.print(summary.text) }
    }
  }

  private var options: PackingOptions {
    var options = PackingOptions(folder: folder)
    options.base = base
    options.output = output
    options.force = flags.force
    options.allowNonfinite = allowNonfinite
    options.threads = threads ?? Producer.processorCount
    return options
  }
}

extension PackingSummary {
  /// The summary as a line.
  fileprivate var text: String {
    let found =
      base == nil
      ? "\(Format.count(counts.pairs.reduce(0) { $0 + ($1.value.integer ?? 0) })) tensors, compared with no base"
      : counts.pairs.filter { $0.value != .integer(0) }
        .map { "\(Format.count($0.value.integer ?? 0)) \($0.key)" }.joined(separator: ", ")
        + (leftOut.isEmpty ? "" : ", \(leftOut.count) left out")
    return inline(
      "\(output): \(found), \(Format.bytes(bytes)) (\(Format.bytes(rawBytes)) uncompressed),"
        + " \(Format.duration(seconds))") + "\n"
  }

  /// The summary as a JSON object.
  fileprivate var json: JSONValue {
    var members: JSONObject = ["event": "summary", "output": .string(output)]
    members["base"] = base.map { .string($0) }
    if base != nil { members["tensors"] = .object(counts) }
    members["left_out"] = .array(leftOut.map { .string($0) })
    members["bytes"] = .integer(bytes)
    members["raw_bytes"] = .integer(rawBytes)
    members["seconds"] = .number(seconds)
    return .object(members)
  }
}
