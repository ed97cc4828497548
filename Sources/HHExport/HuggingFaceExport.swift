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
    let sidecars = try ExportSidecars(of: source, report)
    let settings = HuggingFaceConfiguration(
      source: source, type: type, special: sidecars.specialTokens)
    let configuration = settings.json
    if !settings.leftOut.isEmpty {
      try report(.warning(SettingText(ForeignCode.warning("config.json", settings.leftOut))))
    }
    try folder.write(Array(JSONValue.object(configuration).readableText.utf8), to: "config.json")
    try TensorExport(source, tensors: tensors, shardSize: options.shardSize, output: output)
      .run(into: folder, report: report)
    var files = try sidecars.files(report)
    // The card in an export is one of ours, which is written anew.
    if source.isHedgehog, source.manifest == nil { files.removeAll { $0.name == "README.md" } }
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
    guard ExportSidecars.hasTokenizer(files) else { return .absent }
    guard let file = files.first(where: { $0.name == "tokenizer_config.json" }) else {
      return .needsCode
    }
    let content = file.content
    let settings = try JSONObject(parsing: content.raw, file: file.name)
    return settings["tokenizer_class"]?.string == nil ? .needsCode : .plain
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
