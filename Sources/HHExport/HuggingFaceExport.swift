// A folder that Hugging Face transformers loads.

internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// The tensors, the configuration, the carried files and, for a Hedgehog model, the code and a model
/// card.
struct HuggingFaceExport {
  let source: ExportSource
  let tensors: [ExportTensor]
  private let options: ExportOptions
  private let output: String
  private let type: DType?

  /// Plans the export.
  ///
  /// - Throws: `PipelineError.invalidSetting` for a type that cannot be written, `FormatError` for a
  ///   tensor that cannot be converted or a softmax model that transformers does not have.
  init(source: ExportSource, options: ExportOptions, output: String) throws {
    if !source.isHedgehog {
      try Self.checkScaling(source.names.hyperparameters)
      try Self.checkClassifier(source)
    }
    self.source = source
    self.options = options
    self.output = output
    type = try options.floatType()
    let isRenamed = source.isHedgehog || source.names.hasForeignNames
    let names = isRenamed ? Self.names(of: source) : [:]
    tensors = ExportTensor.list(source, type: type) { names[ByteKey($0)] ?? $0 }
  }

  /// Refuses a classifier without the pooler that transformers would make up for it.
  private static func checkClassifier(_ source: ExportSource) throws(FormatError) {
    guard let head = source.names.head, head.isClassifier, head.groups.contains("pooler"),
      !source.names.holds("pooler.weight")
    else { return }
    throw FormatError(
      .unsupported, file: source.checkpoint.path,
      problem: "expected a pooler before the classifier, as transformers has it, found none: GGUF"
        + " leaves it out")
  }

  /// Refuses a rotary scaling of our own: only the code of a Hedgehog model knows it.
  private static func checkScaling(_ values: Hyperparameters) throws(FormatError) {
    let scaling = values.value("ropeScaling")
    guard let type = (scaling?["rope_type"] ?? scaling?["type"])?.string,
      type == "frequency_factors"
    else { return }
    throw FormatError(
      .unsupported, file: values.file, place: "key 'rope_scaling.rope_type'",
      problem: "expected a scaling that transformers has, found '\(type)'",
      remedy: "export with \(.target, "gguf"), which keeps it")
  }

  /// Writes every file of the folder.
  func run(into folder: borrowing StagingFolder, report: ProgressReport) throws {
    let gguf = try ggufTokenizer(report)
    let settings = HuggingFaceConfiguration(
      source: source, type: type, special: gguf?.tokenizer.special)
    let configuration = settings.json
    if !settings.leftOut.isEmpty {
      try report(.warning(SettingText(ForeignCode.warning("config.json", settings.leftOut))))
    }
    try folder.write(Array(JSONValue.object(configuration).readableText.utf8), to: "config.json")
    try TensorExport(source, tensors: tensors, shardSize: options.shardSize, output: output)
      .run(into: folder, report: report)
    let sidecars = try SidecarFiles(of: source.checkpoint)
    for file in sidecars.skipped {
      try report(
        .warning("\(file.name): left behind, since it has \(Format.bytes(file.bytes))"))
    }
    // The metadata of a GGUF source says nothing to transformers.
    var files = sidecars.files.filter { $0.name != SidecarRules.ggufName }
    // The card in an export is one of ours, which is written anew.
    if source.isHedgehog, source.manifest == nil { files.removeAll { $0.name == "README.md" } }
    if let metadata = try ModelFiles(of: source.checkpoint).gguf {
      files += try ggufFiles(metadata, gguf).filter { made in
        !files.contains { $0.name == made.name }
      }
    }
    files = try files.map { try withoutForeignCode($0, report) }
    for file in files { try folder.write(file.content, to: destination(of: file.name)) }
    guard source.isHedgehog else { return try warn(ofCard: files, report) }
    for file in PythonCode.files { try folder.write(file.content, to: file.name) }
    let sourceCard = files.first { $0.name == "README.md" }
    let card = ModelCard(
      source: source, name: lastComponent(of: output), configuration: configuration,
      sourceCard: sourceCard.map { String(decoding: $0.content, as: UTF8.self) },
      tokenizer: try Self.tokenizer(files),
      licenceFile: files.map(\.name).first { $0.uppercased().hasPrefix("LICEN") })
    try folder.write(Array(card.text.utf8), to: "README.md")
  }

  private func withoutForeignCode(
    _ file: SidecarFile, _ report: ProgressReport
  ) throws -> SidecarFile {
    let (kept, places) = try ForeignCode.removed(from: file, of: source.checkpoint.path)
    if !places.isEmpty { try report(.warning(SettingText(ForeignCode.warning(file.name, places)))) }
    return kept
  }

  /// Says where the source's card, which goes along as it is, asks for more trust than is needed.
  private func warn(ofCard files: [SidecarFile], _ report: ProgressReport) throws {
    let word = Array("trust_remote_code".utf8)
    guard let card = files.first(where: { $0.name == "README.md" }),
      card.content.firstRange(of: word) != nil
    else { return }
    try report(
      .warning("'README.md' is the source's and asks for trust_remote_code: this model needs none"))
  }

  /// What a card says of the tokenizer among files. The class that loads it stands in its settings;
  /// where it does not, transformers asks the model's configuration, and so for the model's code.
  private static func tokenizer(_ files: [SidecarFile]) throws -> ModelCard.Tokenizer {
    guard hasTokenizer(files) else { return .absent }
    guard let file = files.first(where: { $0.name == "tokenizer_config.json" }) else {
      return .needsCode
    }
    let content = file.content
    let settings = try JSONObject(parsing: content.raw, file: file.name)
    return settings["tokenizer_class"]?.string == nil ? .needsCode : .plain
  }

  private static func hasTokenizer(_ files: [SidecarFile]) -> Bool {
    let names = ["tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model"]
    return files.contains { names.contains($0.name) }
  }

  /// The tokenizer of a GGUF source, which has no files of its own, with those that transformers
  /// reads; nil, with a warning, where they cannot be written.
  private func ggufTokenizer(
    _ report: ProgressReport
  ) throws -> (tokenizer: any Tokenizer, files: TokenizerFiles)? {
    let files = try SidecarFiles(of: source.checkpoint).files
    guard source.names.schema.kind != .image, !Self.hasTokenizer(files),
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
    _ metadata: any GGUFMetadataSource, _ gguf: (tokenizer: any Tokenizer, files: TokenizerFiles)?
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

  /// The source's card gives way to the model's own.
  private func destination(of name: String) -> String {
    source.isHedgehog && name == "README.md" ? ModelCard.sourceName : name
  }

  /// For each tensor of the checkpoint its name in the folder: the one that the reference
  /// implementation gives it, and for a map the path of its attention block before its role.
  private static func names(of source: ExportSource) -> [ByteKey: String] {
    let canonical = source.names.canonicalNames
    var names = source.plan?.exportedNames(source.names) ?? [:]
    for entry in source.names.entries {
      names[ByteKey(entry.tensor.name)] = canonical[entry.role]
    }
    return names
  }
}
