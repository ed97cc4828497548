// hh-convert export --to gguf: a model's GGUF file, written and read back.

internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// Writes the model of an export source as GGUF.
struct GGUFExport {
  private let export: GGUFModelExport
  private let source: ExportSource
  private let output: String

  /// Tensors in the file, the divisors of rotary frequencies not counted.
  var tensorCount: Int { export.tensors.count }

  /// Plans the export; see `GGUFModelExport`.
  ///
  /// - Throws: `PipelineError.invalidSetting` for a type that cannot be written, `FormatError` for a
  ///   model that GGUF cannot hold.
  init(source: ExportSource, options: ExportOptions, output: String) throws {
    var modelOptions = GGUFModelExport.Options()
    modelOptions.type = try options.ggufType()
    modelOptions.name = options.sourceName
    modelOptions.dropsHead = options.dropHead
    modelOptions.shardSize = options.shardSize
    let maps = (source.plan?.blocks ?? []).flatMap(\.tensors).compactMap {
      source.checkpoint[$0.name]
    }
    let files = try ModelFiles(of: source.checkpoint)
    export = try GGUFModelExport(
      checkpoint: source.checkpoint, names: source.names, maps: maps,
      linearAttention: source.linearAttention,
      tokenizer: try TokenizerLoader.load(of: source.checkpoint), files: files,
      options: modelOptions)
    self.source = source
    self.output = output
  }

  /// Writes into the folder and reads back.
  ///
  /// - Throws: What `report` throws, `FormatError`, and `PipelineError.unfaithful` where a tensor
  ///   reads back as something else.
  func run(into folder: borrowing StagingFolder, report: ProgressReport) throws {
    for (type, tensors) in export.fallbacks {
      let others = tensors.count > 1 ? " and \(tensors.count - 1) more" : ""
      try report(
        .warning(
          "stored as \(type.name), because rows are no whole blocks: '\(tensors[0])'\(others)"))
    }
    let name = lastComponent(of: output)
    let stem = name.hasSuffix(".gguf") ? name : "\(name).gguf"
    let total = export.byteCount
    let paths = try export.write(to: folder.path(stem)) { written in
      try report(.written(bytes: written, of: total))
    }
    guard let first = paths.first else { return }
    let verification: GGUFVerification
    do {
      verification = try GGUFVerification(
        export, source: source.checkpoint, written: Checkpoint(opening: first))
    } catch {
      throw PipelineError.unfaithful(file: output, problem: "expected a model, found: \(error)")
    }
    try verification.run(report: report) { PipelineError.unfaithful(file: output, problem: $0) }
  }
}

extension ExportOptions {
  /// The GGUF type that `dtype` names, or nil for `keep`.
  func ggufType() throws(PipelineError) -> GGMLType? {
    if dtype == "keep" { return nil }
    if let type = GGMLType.writable.first(where: { $0.name.lowercased() == dtype }) { return type }
    throw .invalidSetting(
      .dtype,
      problem: "expected keep, "
        + GGMLType.writable.map { $0.name.lowercased() }.joined(separator: ", ")
        + " for gguf, found '\(dtype)'")
  }
}
