// Texts, images or rows that a model is run on.

internal import HHCompute
package import HHData
package import HHFormat

/// Examples in memory, and how to run a model over all of them.
package enum ModelExamples: Sendable {
  /// Texts or pairs of texts, padded batch by batch.
  case texts(PaddedTexts)
  case images(ImageSet)
  /// Rows of one length.
  case rows(ModelInput)

  /// Positions, and images, that run at a time.
  private static let positions = 4096
  private static let imageCount = 256

  /// Number of examples.
  package var count: Int {
    switch self {
    case .texts(let texts): texts.count
    case .images(let images): images.count
    case .rows(let input): input.rowCount
    }
  }

  /// Runs a model over all examples.
  ///
  /// - Parameters:
  ///   - runner: The model.
  ///   - progress: Called after each batch with the share that is done, from 0 to 1.
  ///   - body: Called for each batch with the numbers of its examples, the batch and what the model
  ///     gives for it.
  /// - Throws: `FormatError` for weights that cannot be read, and what `body` and `progress` throw.
  package func run(
    _ runner: ModelRunner, progress: (Double) throws -> Void,
    _ body: (_ indices: [Int], _ input: ModelInput, _ outputs: ModelOutputs) throws -> Void
  ) throws {
    var done = 0
    func run(_ indices: [Int], _ input: ModelInput) throws {
      try body(indices, input, try runner.outputs(for: input))
      done += indices.count
      try progress(Double(done) / Double(count))
    }
    func run(inStepsOf step: Int, _ input: (Range<Int>) -> ModelInput) throws {
      for start in stride(from: 0, to: count, by: step) {
        let range = start..<min(count, start + step)
        try run(Array(range), input(range))
      }
    }
    switch self {
    case .texts(let texts):
      for (indices, batch) in texts.batches(positions: Self.positions) {
        try run(indices, .tokens(batch))
      }
    case .images(let images):
      try run(inStepsOf: Self.imageCount) { DataRows.images(images.images($0)).input }
    case .rows(let input):
      try run(inStepsOf: max(1, Self.positions / max(1, runner.length(of: input)))) {
        input.rows($0)
      }
    }
  }
}

/// What to run a model on, as a user names it.
package struct InferenceOptions: Sendable {
  /// An artifact or a checkpoint.
  package var model: String
  /// A configuration in place of the model's own.
  package var configuration: String?
  /// The model that a delta was made from.
  package var base: String?
  /// A tokenizer in place of the model's own: a folder, or one of its files.
  package var tokenizer: String?
  /// Texts, or pairs of texts separated by a tab.
  package var texts: [String] = []
  /// What errors call the texts: the option that gave them.
  package var textsSetting = SettingKey.text
  /// A file of images, `.npy` or IDX, for a vision model.
  package var images: String?
  /// Most tokens of a text; nil means as many as the model's positions, at most 512.
  package var length: Int?
  /// Threads to use.
  package var threads: Int

  /// Options without examples.
  package init(model: String, threads: Int) {
    self.model = model
    self.threads = threads
  }

  /// The lines of a file, each a text or a pair of texts separated by a tab.
  ///
  /// - Throws: `FormatError` where the file cannot be read, is not UTF-8, has no lines or one
  ///   without text.
  package static func texts(at path: String) throws(FormatError) -> [String] {
    var lines = try readText(at: path).utf8Lines
    if lines.last == "" { lines.removeLast() }
    guard !lines.isEmpty else {
      throw FormatError(.badData, file: path, problem: "expected a text on each line, found none")
    }
    // A line of nothing but tabs has no text either.
    if let index = lines.firstIndex(where: { $0.utf8.allSatisfy { $0 == 0x09 } }) {
      throw FormatError(
        .badData, file: path, place: "line \(index + 1)", problem: "expected a text, found none")
    }
    return lines
  }

  /// The examples as a model takes them.
  ///
  /// - Throws: `PipelineError.invalidSetting` for texts where the model takes images or the other
  ///   way round, `FormatError` for a file or texts that do not fit the model.
  func examples(for model: OpenedModel) throws -> ModelExamples {
    guard case .image = model.runner.graph.kind else {
      guard images == nil, !texts.isEmpty else {
        throw PipelineError.invalidSetting(
          .images, problem: "expected texts, which this model takes, found images")
      }
      let pairs = try texts.enumerated().map { index, text in
        let parts = text.utf8.split(separator: 0x09, maxSplits: 1).map { String(Substring($0)) }
        guard let first = parts.first else {
          throw PipelineError.invalidSetting(
            textsSetting, problem: "expected a text, found an empty one, number \(index + 1)")
        }
        return (first: first, second: parts.count > 1 ? parts[1] : nil)
      }
      return .texts(
        try PaddedTexts(
          pairs, tokenizer: try model.tokenizer(),
          limits: try TextLimits(model.runner.graph, length: length, usual: 512),
          file: "--\(textsSetting)"))
    }
    guard let images else {
      throw PipelineError.invalidSetting(
        textsSetting, problem: "expected images, which this model takes, found texts")
    }
    try model.runner.graph.checkImageLength(length)
    let source = try DataSource(
      at: images, for: .images(ImageShape(model.names.hyperparameters)), tokenizer: nil,
      vocabularySize: 0, files: try model.files())
    guard case .images(let all) = source.rows else { return .rows(source.rows.input) }
    return .images(all)
  }
}

extension Graph {
  /// Refuses a length of rows for images, whose length the model sets.
  package func checkImageLength(_ requested: Int?) throws(PipelineError) {
    guard kind == .image, let requested, requested != maximumLength else { return }
    throw .invalidSetting(
      .length,
      problem: "expected none: an image has \(maximumLength) positions, found \(requested)")
  }
}

/// The length of rows that was asked for, or else the usual one, at most the model's positions.
///
/// - Throws: `PipelineError.invalidSetting` for a length beyond the model's positions, and for a
///   model of one position: a row needs at least two tokens, to predict one or to frame a text.
package func rowLength(
  _ requested: Int?, maximum: Int, usual: Int = 256
) throws(PipelineError) -> Int {
  guard maximum >= 2 else {
    throw .invalidInput(name: "MODEL", problem: "expected at least 2 positions, found \(maximum)")
  }
  guard let requested else { return min(usual, maximum) }
  guard (2...maximum).contains(requested) else {
    throw .invalidSetting(
      .length, problem: "expected 2 to \(maximum) (the model's positions), found \(requested)")
  }
  return requested
}

extension SettingKey {
  /// Texts to run a model on, given one by one.
  package static let text = SettingKey(option: "text")
  /// The same as lines of a file.
  package static let texts = SettingKey(option: "texts")
  /// Images to run a model on.
  package static let images = SettingKey(option: "images")
}
