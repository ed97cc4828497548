// hh-convert export SOURCE --to FORMAT: files for other programs.

import ArgumentParser
import HHCompute
import HHExport
import HHFormat

struct ExportCommand: UnpackingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract:
      "Write an artifact's model, or a checkpoint, for transformers, safetensors, GGUF or ONNX.",
    discussion: helpExamples(
      "export gpt2.hedgehog.safetensors.zst --to hf",
      "export smollm2.hedgehog.safetensors.zst --to gguf --dtype q8_0",
      discussion: """
        An artifact gives its Hedgehog model, or with --softmax the model it was converted from. A \
        checkpoint gives the model it is. What was written is read back and compared before it gets \
        its name.
        """))

  @Argument(help: "An artifact, or a checkpoint (file, index or folder).", completion: .file())
  var source: String

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "hf (a folder for transformers), safetensors, gguf or onnx.", valueName: "format"),
    completion: .list(ExportOptions.Target.allCases.map(\.rawValue)),
    transform: target)
  var target: ExportOptions.Target

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file or folder to write (default: by the source's name, in the working folder).",
      valueName: "path"), completion: .file())
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Element type of the source's floats: keep, f32, f16 or bf16; with gguf also q8_0, q4_k and so on.",
      valueName: "type"),
    completion: .list(["keep", "f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q5_k", "q6_k"]))
  var dtype = "keep"

  @Option(
    help: ArgumentHelp(
      "Most bytes of tensors in a file, such as 5GB or 500MB; the output is then a folder.",
      valueName: "bytes"),
    transform: ByteCount.init)
  var shardSize: ByteCount?

  @Flag(help: "The softmax model that an artifact was converted from.")
  var softmax = false

  @Flag(help: "With gguf, leave out a head that it has no names for, such as an encoder's.")
  var dropHead = false

  @Option(
    help: ArgumentHelp(
      "With onnx, the version of its operators (default: the first that has what the model needs).",
      valueName: "version"))
  var opset: Int?

  @Option(
    name: .customLong("linear-attention"),
    help: ArgumentHelp(
      """
      With onnx, what sums a decoder's linear attention: onnx (the operator of opset 27), \
      com.microsoft (ONNX Runtime's own) or plain (matrix products).
      """,
      valueName: "operator"),
    completion: .list(ONNXLinearAttention.allCases.map(\.rawValue)), transform: linearAttention)
  var linearAttention = ONNXLinearAttention.standard

  @OptionGroup var delta: DeltaArguments

  @OptionGroup var unpacking: UnpackingArguments

  @Option(
    help: ArgumentHelp(
      "A configuration to use instead of the source's own.", valueName: "file"), completion: .file()
  )
  var config: String?

  @OptionGroup var given: TokenizerArguments

  @OptionGroup var flags: JobFlags

  func validate() throws {
    if dropHead && target != .gguf {
      throw ValidationError(
        "--drop-head: expected --to gguf beside it, found --to \(target.rawValue)")
    }
    let ofONNX = [
      ("--opset", opset != nil), ("--linear-attention", linearAttention != .standard),
    ]
    if target != .onnx, let option = ofONNX.first(where: \.1)?.0 {
      throw ValidationError(
        "\(option): expected --to onnx beside it, found --to \(target.rawValue)")
    }
  }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let export = try Export(options)
      try Interrupts.check()
      let printer = EventPrinter(flags.manner)
      let summary = try {
        defer { printer.clear() }
        return try export.run { event in
          try Interrupts.check()
          printer.print(event)
        }
      }()
      if flags.json { return try Terminal.print(summary.json.line + "\n") }
      if !flags.quiet { try Terminal.print(summary.text) }
    }
  }

  private var options: ExportOptions {
    var options = ExportOptions(source: source, target: target)
    options.output = output
    options.dtype = dtype.lowercased()
    options.shardSize = shardSize?.bytes
    options.softmax = softmax
    options.dropHead = dropHead
    options.opset = opset
    options.linearAttention = linearAttention
    options.base = delta.base
    options.tokenizer = given.tokenizer
    options.configuration = config
    options.force = flags.force
    return options
  }

  private static func linearAttention(_ argument: String) throws -> ONNXLinearAttention {
    if let choice = ONNXLinearAttention(rawValue: argument) { return choice }
    let names = ONNXLinearAttention.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("expected one of \(names), found '\(argument)'")
  }

  private static func target(_ argument: String) throws -> ExportOptions.Target {
    if let target = ExportOptions.Target(rawValue: argument) { return target }
    let names = ExportOptions.Target.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("expected one of \(names), found '\(argument)'")
  }
}

extension ExportSummary {
  /// The summary as lines.
  fileprivate var text: String {
    let list = files.isEmpty ? "" : ": \(files.joined(separator: ", "))"
    return inline(
      "\(output): \(isHedgehog ? "Hedgehog" : "softmax") model, \(Format.count(tensorCount)) tensors,"
        + " \(Format.bytes(byteCount)), read back and compared, \(Format.duration(seconds))\(list)")
      + "\n"
  }

  /// The summary as a JSON object.
  fileprivate var json: JSONValue {
    .object([
      "event": .string("summary"), "output": .string(output), "format": .string(target.rawValue),
      "model": .string(isHedgehog ? "hedgehog" : "softmax"),
      "files": .array(files.map { .string($0) }), "tensors": .integer(tensorCount),
      "bytes": .integer(byteCount), "seconds": .number(seconds),
    ])
  }
}
