// Turning an artifact or a checkpoint into files for other programs.

internal import HHFormat
internal import HHModel
package import HHTraining

/// One export, opened and checked; `run` carries it out.
package struct Export {
  /// Where the output goes.
  package let output: String
  private let options: ExportOptions
  private let source: ExportSource
  private let opened: SourceFiles
  private let stopwatch = Stopwatch()

  /// Opens the source and checks everything that can be checked before work begins.
  ///
  /// - Throws: `FormatError` for a source or output that cannot be used, `PipelineError` for options
  ///   that contradict each other.
  package init(_ options: ExportOptions) throws {
    if options.target == .gguf {
      _ = try options.ggufType()
    } else {
      _ = try options.floatType()
    }
    self.options = options
    source = try ExportSource(options)
    opened = SourceFiles(of: source.checkpoint)
    output = options.outputPath(isHedgehog: source.isHedgehog)
    try checkOutput()
  }

  /// Refuses an output that cannot be written, or that is one of the inputs or holds one.
  private func checkOutput() throws(FormatError) {
    _ = try stagingFolder()
    try protect(source.checkpoint.inputFiles(), from: output)
  }

  private func stagingFolder() throws(FormatError) -> StagingFolder {
    try StagingFolder(for: output, isFile: !options.isFolder, replacing: options.force)
  }

  /// Writes the output, reads it back and gives it its name.
  ///
  /// - Throws: What `report` throws, `FormatError`, or `PipelineError.unfaithful` where what was
  ///   written reads back as something else; nothing is left behind then.
  package func run(report: ProgressReport) throws -> ExportSummary {
    let staging = try stagingFolder()
    var tensorCount = source.tensors.count
    switch options.target {
    case .safetensors:
      let tensors = try ExportTensor.list(source, type: options.floatType())
      try TensorExport(
        source, tensors: tensors, shardSize: options.shardSize, output: output
      ).run(into: staging, report: report)
    case .hf:
      let export = try HuggingFaceExport(source: source, options: options, output: output)
      try export.run(into: staging, report: report)
      tensorCount = export.tensors.count
    case .gguf:
      let export = try GGUFExport(source: source, options: options, output: output)
      try export.run(into: staging, report: report)
      tensorCount = export.tensorCount
    case .onnx:
      let export = try ONNXExport(source: source, options: options, output: output)
      try export.run(into: staging, report: report)
      tensorCount = export.tensorCount
    }
    let files = try directoryEntries(of: staging.path)
    var size = 0
    for file in files { size += try MappedFile(at: staging.path(file)).count }
    try opened.requireUnchanged()
    if options.isFolder {
      try staging.publish()
    } else {
      guard let file = files.first, files.count == 1 else {
        throw PipelineError.unfaithful(
          file: output, problem: "expected one file, found \(files.count)")
      }
      try staging.publish(file: file)
    }
    return ExportSummary(
      output: output, target: options.target, isHedgehog: source.isHedgehog,
      files: options.isFolder ? files : [], tensorCount: tensorCount, byteCount: size,
      seconds: stopwatch.seconds)
  }
}

/// What a finished export gives back.
package struct ExportSummary: Sendable, Equatable {
  /// The path of the file or folder.
  package let output: String
  /// What was written.
  package let target: ExportOptions.Target
  /// Whether it is the Hedgehog model, else the softmax one.
  package let isHedgehog: Bool
  /// The names in a folder; empty where the output is a file.
  package let files: [String]
  /// Tensors written and read back.
  package let tensorCount: Int
  /// Bytes of all files.
  package let byteCount: Int
  /// Wall time.
  package let seconds: Double
}
