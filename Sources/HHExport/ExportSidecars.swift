// The small files that go with an exported model: tokenizer, settings, licences, card.

internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// The files beside a source's weights as other programs read them: without settings that make them
/// run code, and for a GGUF source made from its metadata.
struct ExportSidecars {
  private let source: ExportSource
  private let gguf: (tokenizer: any Tokenizer, files: TokenizerFiles)?

  /// The special tokens of a GGUF source, whose tokenizer has no files of its own.
  var specialTokens: SpecialTokens? { gguf?.tokenizer.special }

  /// Looks for the tokenizer of a source.
  ///
  /// - Throws: What `report` throws, and `FormatError` for damaged files.
  init(of source: ExportSource, _ report: ProgressReport) throws {
    self.source = source
    gguf = try Self.ggufTokenizer(of: source, report)
  }

  /// The files, with warnings of what is left behind.
  ///
  /// - Throws: What `report` throws, and `FormatError` for damaged files.
  func files(_ report: ProgressReport) throws -> [SidecarFile] {
    let sidecars = try SidecarFiles(of: source.checkpoint)
    for file in sidecars.skipped {
      try report(
        .warning("\(file.name): left behind, since it has \(Format.bytes(file.bytes))"))
    }
    // The metadata of a GGUF source says nothing to other programs.
    var files = sidecars.files.filter { $0.name != SidecarRules.ggufName }
    if let metadata = try ModelFiles(of: source.checkpoint).gguf {
      files += try ggufFiles(metadata).filter { made in
        !files.contains { $0.name == made.name }
      }
    }
    return try files.map { try withoutForeignCode($0, report) }
  }

  /// Whether files hold a tokenizer.
  static func hasTokenizer(_ files: [SidecarFile]) -> Bool {
    let names = ["tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model"]
    return files.contains { names.contains($0.name) }
  }

  private func withoutForeignCode(
    _ file: SidecarFile, _ report: ProgressReport
  ) throws -> SidecarFile {
    let (kept, places) = try ForeignCode.removed(from: file, of: source.checkpoint.path)
    if !places.isEmpty { try report(.warning(SettingText(ForeignCode.warning(file.name, places)))) }
    return kept
  }

  /// The tokenizer of a GGUF source, which has no files of its own, with those that transformers
  /// reads; nil, with a warning, where they cannot be written.
  private static func ggufTokenizer(
    of source: ExportSource, _ report: ProgressReport
  ) throws -> (tokenizer: any Tokenizer, files: TokenizerFiles)? {
    let files = try SidecarFiles(of: source.checkpoint).files
    guard source.names.schema.kind != .image, !hasTokenizer(files),
      let metadata = try ModelFiles(of: source.checkpoint).gguf
    else { return nil }
    let reason: String
    do throws(FormatError) {
      if let tokenizer = try TokenizerLoader.load(from: metadata) {
        let path = source.checkpoint.path
        return (tokenizer, try TokenizerFiles(tokenizer, of: metadata, file: path))
      }
      reason = "the GGUF source has no vocabulary"
    } catch {
      guard error.kind == .unsupported else { throw error }
      reason = "\(error.file): \(error.place): \(error.problem)"
    }
    try report(.warning("no tokenizer is written, take the original model's: \(reason)"))
    return nil
  }

  /// The files that say what the metadata of a GGUF source does.
  private func ggufFiles(
    _ metadata: any GGUFMetadataSource
  ) throws(FormatError) -> [SidecarFile] {
    let sidecars = GGUFSidecarFiles(metadata: metadata)
    var files = [try sidecars.card()].compactMap(\.self)
    guard let gguf else { return files }
    files += gguf.files.files(
      maximumLength: source.names.hyperparameters.integer("maximumPositions"),
      chatTemplate: try sidecars.chatTemplate())
    return files
      + [sidecars.generationConfiguration(gguf.tokenizer.special)].compactMap(\.self)
  }
}
