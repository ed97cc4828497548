// hh-convert export --to onnx: a model for ONNX Runtime and other runtimes of ONNX.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// Writes the model of an export source as ONNX: one file, or a folder with the tokenizer beside it.
struct ONNXExport {
  private let source: ExportSource
  private let file: ONNXFile
  /// The tensors of the file's weights, in its order.
  private let tensors: [ExportTensor]
  private let isFolder: Bool
  private let output: String

  /// Tensors of the checkpoint in the model.
  var tensorCount: Int { file.weights.count }

  /// Plans the export: builds the graph and lays the weights out.
  ///
  /// - Throws: `PipelineError.invalidSetting` for operators that the model cannot be written in, and
  ///   `FormatError` for a model that is too large for one file, or that has parts without operators.
  init(source: ExportSource, options: ExportOptions, output: String) throws {
    let opset = try ONNXOpset(of: source.graph, options)
    let lookUp = try ONNXWeights(source, type: options.floatType())
    try lookUp.check()
    let builder = ONNXBuilder(weight: lookUp.weight)
    _ = ONNXModelBuilder(source.graph, builder, linearAttention: options.linearAttention)
    let graph = builder.finished
    let fields = ONNXMetadata(source, opset: opset, graph).message
    func file(besides: Bool) -> ONNXFile {
      ONNXFile(
        graph, name: options.sourceName, fields: fields, besides: besides, limit: options.shardSize)
    }
    let whole = file(besides: options.shardSize != nil)
    guard options.isFolder || whole.byteCount <= ONNXFile.maximumBytes else {
      throw FormatError(
        .unsupported, file: output,
        problem: "expected at most \(Format.bytes(ONNXFile.maximumBytes)) in one file, found"
          + " \(Format.bytes(whole.byteCount))",
        hint: "name a folder, which holds the weights in a file of their own")
    }
    tensors = graph.weights.compactMap { lookUp.tensor($0.name) }
    self.file = whole.byteCount <= ONNXFile.maximumBytes ? whole : file(besides: true)
    self.source = source
    isFolder = options.isFolder
    self.output = output
  }

  /// Writes the model and, into a folder, the files that go with it; then reads the model back.
  ///
  /// - Throws: What `report` throws, `FormatError`, and `PipelineError.unfaithful` where what was
  ///   written reads back as something else.
  func run(into folder: borrowing StagingFolder, report: ProgressReport) throws {
    var progress = WritingProgress(
      of: file.weights.reduce(0) { $0 + $1.byteCount }, to: output)
    var digests: [String] = []
    do {
      try file.write(to: folder) { index, sink throws(FormatError) in
        let digest = try tensors[index].write(from: source) { piece throws(FormatError) in
          try sink(piece)
          try progress.advance(by: piece.byteCount, report)
        }
        digests.append(digest)
      }
    } catch {
      throw progress.stop ?? error
    }
    if isFolder { try writeSidecars(into: folder, report) }
    try ONNXVerification(file: file, digests: digests, output: output)
      .run(in: folder, report: report)
  }

  /// The configuration is the softmax model's, which loaders of ONNX models ask for sizes and classes;
  /// what the model computes is in the graph.
  private func writeSidecars(into folder: borrowing StagingFolder, _ report: ProgressReport) throws
  {
    let sidecars = try ExportSidecars(of: source, report)
    let settings = HuggingFaceConfiguration(
      source: source, type: nil, special: sidecars.specialTokens)
    if !settings.leftOut.isEmpty {
      try report(.warning(SettingText(ForeignCode.warning("config.json", settings.leftOut))))
    }
    try folder.write(
      Array(JSONValue.object(settings.softmaxJSON).readableText.utf8), to: "config.json")
    for file in try sidecars.files(report) {
      // What the source's card says of quality does not hold for a converted model.
      let isCard = source.isHedgehog && file.name == "README.md"
      try folder.write(file.content, to: isCard ? ModelCard.sourceName : file.name)
    }
  }
}
