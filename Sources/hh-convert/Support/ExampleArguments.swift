// The arguments of commands that run a model on examples.

import ArgumentParser
import HHFormat
import HHModel

/// The texts or images to run a model on.
struct ExampleArguments: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "A text; may be given several times. A tab separates the two texts of a pair.")
  var text: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a text, or a pair with a tab in between, on each line.", valueName: "file"),
    completion: .file())
  var texts: String?

  @Option(
    help: ArgumentHelp(
      "A file of images, .npy or IDX, for a vision model.", valueName: "file"), completion: .file())
  var images: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Most tokens of a text (default: the model's positions, at most 512).", valueName: "tokens"))
  var length: Int?

  func validate() throws {
    try check(length, in: 2...1_048_576, "--length")
    guard [!text.isEmpty, texts != nil, images != nil].count(where: \.self) == 1 else {
      throw ValidationError("expected one of --text, --texts and --images")
    }
  }

  /// The options for a model; reads the file of texts.
  func options(for model: String, _ opening: OpeningArguments) throws -> InferenceOptions {
    var options = InferenceOptions(model: model, threads: opening.threads)
    options.configuration = opening.config
    options.base = opening.base
    options.tokenizer = opening.tokenizer
    options.length = length
    options.images = images
    options.texts = text
    if let texts {
      options.texts = try InferenceOptions.texts(at: texts)
      options.textsSetting = .texts
    }
    return options
  }

  /// What a line of JSON says first: the example's number, and its text.
  static func start(_ index: Int, of options: InferenceOptions) -> JSONObject {
    var line: JSONObject = ["index": .integer(index)]
    if options.images == nil { line["text"] = .string(options.texts[index]) }
    return line
  }

  /// What a line of text calls an example.
  static func name(_ index: Int, of options: InferenceOptions) -> String {
    options.images == nil ? options.texts[index] : "image \(index)"
  }
}
