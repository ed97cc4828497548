// The rows a conversion distils and measures on.

internal import HHCompute
internal import HHData
package import HHFormat
package import HHModel

/// Training and held-out rows of one length, read from a file or made up.
package struct TrainingRows {
  /// Positions per row.
  package let length: Int
  package let trainingCount: Int
  /// Rows, from the first on, that distillation uses; finetuning uses all.
  package let distillationCount: Int
  package let heldOutCount: Int
  /// `file`, `samples`, `random tokens` or `synthetic images`.
  package let kind: String
  /// Where the rows come from, in words.
  package let description: String
  /// SHA-256 of the data file, where there is one.
  package let digest: String?
  private let source: Source
  private let seed: UInt64

  private enum Source {
    /// Rows that the decoder itself is to write, starting from this token.
    case samples(first: Int32?)
    case ready(training: DataRows, heldOut: DataRows)
  }

  /// Made-up rows are few and seen often: on a real BERT 32 rows end at a KL of 0.204 where 2,000
  /// rows end at 0.190, 128 rows at 0.200.
  private static let madeUpCount = 128
  /// A decoder that is finetuned on its rows learns from as many positions; writing more takes longer
  /// than it is worth.
  private static let madeUpPositions = 61_440
  private static let madeUpHeldOutPositions = 4096
  private static let madeUpHeldOutCount = 16

  /// What rows are asked for.
  package struct Request {
    /// Files of rows to train and to measure on; nil for rows that are made up or held back.
    package var data: String?
    package var heldOut: String?
    /// The columns that hold the texts; nil for the usual names.
    package var columns: [String]?
    /// Tokens per row; nil for the usual number.
    package var length: Int?
    package var distillation = TrainingSettings(.distil)
    /// Nil where nothing is finetuned.
    package var finetuning: TrainingSettings?
    /// Seed of rows that are made up or held back.
    package var seed: UInt64 = 0

    /// A request for rows that the defaults need.
    package init() {}
  }

  /// Finds the rows that are asked for; reads them where they come from a file.
  package init(
    _ options: Request, graph: Graph, checkpoint: Checkpoint, names: NameMap
  ) throws {
    try graph.checkImageLength(options.length)
    let length =
      graph.kind == .image
      ? graph.maximumLength : try rowLength(options.length, maximum: graph.maximumLength)
    self.length = length
    seed = options.seed
    let forDistillation = options.distillation.rowCount(length: length)
    let wanted = max(forDistillation, options.finetuning?.rowCount(length: length) ?? 0)
    let maker = RowMaker(
      graph: graph, names: names, checkpoint: checkpoint, length: length,
      generator: SeededGenerator(seed: seed))
    if let path = options.data {
      let (training, heldOut, digest) = try maker.read(
        path, heldOut: options.heldOut, columns: options.columns, wanted: wanted)
      self.digest = digest
      kind = "file"
      description = "\(path) (\(training.count) rows, \(heldOut.count) held out)"
      source = .ready(training: training, heldOut: heldOut)
      (trainingCount, heldOutCount) = (training.count, heldOut.count)
      distillationCount = min(training.count, forDistillation)
      return
    }
    guard options.heldOut == nil else {
      throw PipelineError.missingSetting(.data, beside: .heldOut)
    }
    guard options.columns == nil else {
      throw PipelineError.missingSetting(.data, beside: .columns)
    }
    digest = nil
    let isFinetuned = graph.kind == .decoder && options.finetuning != nil
    let limit = isFinetuned ? max(1, Self.madeUpPositions / length) : Self.madeUpCount
    trainingCount = min(wanted, limit)
    distillationCount = min(trainingCount, forDistillation)
    heldOutCount =
      graph.kind == .decoder
      ? min(Self.madeUpHeldOutCount, max(2, Self.madeUpHeldOutPositions / length))
      : Self.madeUpHeldOutCount
    switch graph.kind {
    case .decoder:
      try DecoderSampler.requireHead(graph)
      kind = "samples"
      description = "the model's own samples (\(trainingCount) rows)"
      let first = names.hyperparameters.value("beginningToken")?.integer
      source = .samples(
        first: first.flatMap { $0 < graph.vocabularySize ? Int32($0) : nil })
    case .encoder, .image:
      kind = graph.kind == .encoder ? "random tokens" : "synthetic images"
      description = "\(kind) (\(trainingCount) rows)"
      let rows = try maker.madeUp(count: trainingCount + heldOutCount)
      source = .ready(
        training: rows.rows(0..<trainingCount), heldOut: rows.rows(trainingCount..<rows.count))
    }
  }

  /// Whether the rows have labels.
  package var isLabelled: Bool {
    if case .ready(let training, let heldOut) = source {
      return training.labels != nil && heldOut.labels != nil
    }
    return false
  }

  /// Whether the decoder is yet to write the rows.
  package var areSampled: Bool {
    if case .samples = source { return true }
    return false
  }

  /// The rows themselves; samples are drawn now.
  package func load(runner: ModelRunner, report: ProgressReport) throws -> (
    training: LabelledRows, heldOut: LabelledRows
  ) {
    switch source {
    case .ready(let training, let heldOut):
      return (
        LabelledRows(training.input, labels: training.labels),
        LabelledRows(heldOut.input, labels: heldOut.labels)
      )
    case .samples(let first):
      try report(.stage("sample"))
      let count = trainingCount + heldOutCount
      let rows = ModelInput.tokens(
        try DecoderSampler.sample(
          runner, rowCount: count, length: length, first: first, isVaried: true,
          seed: seed
        ) { try report(.sampled(tokens: $0, of: $1)) })
      return (
        LabelledRows(rows.rows(0..<trainingCount)),
        LabelledRows(rows.rows(trainingCount..<count))
      )
    }
  }
}

/// Reads or makes up rows for one model.
private struct RowMaker {
  let graph: Graph
  let names: NameMap
  /// The model, whose folder has its image normalisation, and its tokenizer if it has not itself.
  let checkpoint: Checkpoint
  let length: Int
  let generator: SeededGenerator

  /// Rows of a data file, and of a held-out file or held back from the first. Of more rows than
  /// `wanted` a random choice is taken.
  func read(
    _ path: String, heldOut heldOutPath: String?, columns: [String]?, wanted: Int
  ) throws(FormatError) -> (training: DataRows, heldOut: DataRows, digest: String) {
    let tokenizer = graph.kind == .image ? nil : try TokenizerLoader.load(of: checkpoint)
    func rows(_ path: String) throws(FormatError) -> DataSource {
      try DataSource(
        at: path, for: purpose, tokenizer: tokenizer, vocabularySize: graph.vocabularySize,
        files: try ModelFiles(of: checkpoint), columns: columns)
    }
    let data = try rows(path)
    var training = data.rows
    let heldOut: DataRows
    if let heldOutPath {
      let all = try rows(heldOutPath).rows
      heldOut = all.rows(0..<min(all.count, DataRows.maximumHeldOutCount(length: length)))
    } else {
      guard let parts = data.rows.split else {
        throw FormatError(
          .badData, file: path,
          problem: "expected at least two rows of \(length), one to train on and one to measure"
            + " on, found \(data.rows.count)",
          remedy: "give more data or a smaller \(.length)")
      }
      training = parts.training
      let most = DataRows.maximumHeldOutCount(length: length)
      heldOut = parts.heldOut.rows(0..<min(parts.heldOut.count, most))
    }
    var order = generator.split("rows")
    training = training.rows(order.shuffledIndices(training.count).prefix(wanted))
    return (training, heldOut, data.digest)
  }

  /// Rows drawn from the vocabulary, or synthetic images.
  func madeUp(count: Int) throws(FormatError) -> DataRows {
    if case .images(let shape) = purpose {
      let normalization = try ImageNormalization(
        try ModelFiles(of: checkpoint), channels: shape.channels)
      return .images(
        SyntheticData.images(
          count: count, shape: shape, normalization: normalization,
          generator: generator.split("images")))
    }
    let tokenizer = try TokenizerLoader.load(of: checkpoint)
    var frame = TokenFrame()
    if let special = tokenizer?.special {
      frame.prefix = special.cls.map { [$0] } ?? []
      frame.suffix = special.sep.map { [$0] } ?? []
    }
    try checkTokens(
      frame.prefix + frame.suffix, vocabularySize: graph.vocabularySize, file: checkpoint.path,
      part: "the frame")
    let ordinary = SyntheticData.ordinaryIDs(
      vocabularySize: graph.vocabularySize, tokenizer: tokenizer)
    return .tokens(
      SyntheticData.encoderRows(
        count: count, length: length, ordinary: ordinary, frame: frame,
        generator: generator.split("tokens")))
  }

  private var purpose: DataSource.Purpose {
    switch graph.kind {
    case .decoder: return .decoder(length: length)
    case .encoder:
      return .encoder(
        length: length, classes: graph.classCount.map(checkpoint.classNames),
        tokenTypes: graph.tokenTypeCount)
    case .image:
      return .images(ImageShape(names.hyperparameters))
    }
  }
}
