// hh-convert embed MODEL: one vector for each text or image.

import ArgumentParser
import HHData
import HHFormat
import HHModel

struct Embed: UnpackingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn texts or images into vectors, with an artifact or a softmax checkpoint.",
    discussion: helpExamples(
      "embed bert/ --text \"the cat\"",
      "embed vit/ --images images.npy --output vectors.npy",
      discussion: """
        Prints one JSON object per example, or writes a NumPy array [examples, hidden size] of \
        float32.
        """))

  @Argument(help: modelHelp, completion: .file())
  var model: String

  @OptionGroup var opening: OpeningArguments

  @OptionGroup var examples: ExampleArguments

  @Option(
    help: """
      mean of all positions, first or last position (default: mean for encoders, first for vision \
      models, last for decoders).
      """,
    completion: .list(Pooling.allCases.map(\.rawValue)), transform: pooling)
  var pooling: Pooling?

  @Flag(help: "Leave vectors at the length that they have, which else is 1.")
  var unnormalized = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .npy file to write.", valueName: "file"), completion: .file())
  var output: String?

  @Flag(help: "Replace the output if it exists.")
  var force = false

  var unpacking: UnpackingArguments { opening.unpacking }

  func run() throws {
    try ReportedFailure.reporting {
      Interrupts.listen()
      let options = try examples.options(for: model, opening)
      let embedder = try Interrupts.reading {
        try Embedder(options, pooling: pooling, isNormalized: !unnormalized)
      }
      if let output {
        // Created and dropped at once: a bad output must not cost the work.
        _ = try AtomicFile(at: output, replacing: force)
        let others = [options.images, examples.texts].compactMap(\.self)
        try protect(embedder.modelFiles() + others, from: output)
      }
      let vectors = try ProgressLine.following("embed") { try embedder.run(progress: $0) }
      if let output { return try NumPyWriter.write(vectors, to: output, replacing: force) }
      for (index, vector) in vectors.enumerated() {
        var line = ExampleArguments.start(index, of: options)
        line["embedding"] = .array(vector.map { .number(Double($0)) })
        try Terminal.print(JSONValue.object(line).line + "\n")
      }
    }
  }

  private static func pooling(_ word: String) throws -> Pooling {
    if let pooling = Pooling(rawValue: word) { return pooling }
    let known = Pooling.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("expected one of \(known), found '\(word)'")
  }
}
