// The folder that comes back from a training elsewhere, opened and checked against its base.

internal import HHAnalysis
internal import HHFormat
internal import HHModel

/// A trained export, or a base with a trained adapter: all that is to be packed.
struct TrainedFolder {
  /// The tensors as they came back; an adapter is merged as they are read.
  let checkpoint: Checkpoint
  /// Those of the softmax model, sorted into roles.
  let names: NameMap
  /// The blocks with linear attention; it names their maps.
  let plan: RewritePlan
  /// What the maps are.
  let linearAttention: LinearAttentionDescription?
  /// The artifact that was exported, where it is given.
  let base: ConvertedModel?
  /// The folder that came back.
  let folder: String

  /// Opens the folder and its base; no weights are read.
  ///
  /// - Throws: `unsupported` for a folder that is no export and for an adapter that is not plain LoRA;
  ///   `missingInput` for an adapter without a base; `badData` for a configuration that contradicts
  ///   the weights, and for a base that is another model.
  init(_ options: PackingOptions) throws(FormatError) {
    base = try options.base.map { (path) throws(FormatError) in try Self.base(at: path) }
    if let adapter = try Checkpoint.adapterFolder(at: options.folder), let base {
      folder = adapter
      let maps = base.plan.exportedNames(base.names)
      checkpoint = try Checkpoint(
        mergingAdapter: adapter, into: base.checkpoint, names: base.names
      ) { name in
        maps.first { name.utf8.elementsEqual($0.value.utf8) || name.hasSuffix(".\($0.value)") }?
          .key.text
      }
      names = try Self.names(of: checkpoint, without: base.plan)
      (plan, linearAttention) = (base.plan, base.linearAttention)
    } else {
      let opened = try Checkpoint(opening: options.folder)
      folder = opened.directory
      guard opened.exportedConfiguration != nil else {
        let found = opened.linearAttentionName ?? opened.format
        throw FormatError(
          .unsupported, file: options.folder,
          problem: "expected a folder that \(quoted("export --to hf")) wrote and that was trained,"
            + " found \(opened.isConverted ? found : "a softmax model")",
          hint: opened.isConverted ? nil : "a softmax model is converted, not packed")
      }
      let model = try ConvertedModel(opened)
      (checkpoint, names, plan) = (model.checkpoint, model.names, model.plan)
      // A configuration has rounded numbers.
      linearAttention = base?.linearAttention ?? model.linearAttention
      if let base { try Self.check(model, opened, against: base) }
    }
    try names.checkTies(in: checkpoint)
    // The element types; whether the values are finite is seen while they are written.
    try WeightCheck(checkpoint: checkpoint, names: names).run(allowNonfinite: true)
  }

  /// The files that the tensors and the settings come from, those of the base among them.
  var sourceFiles: [String] {
    // Those of an adapter have the base's among them.
    let own = checkpoint.digestedFiles
    return own + (base?.checkpoint.digestedFiles ?? []).filter { !own.contains($0) }
  }

  /// Everything that is read.
  var inputFiles: [String] {
    get throws(FormatError) {
      let files = try directoryEntries(of: folder).map { join(folder, $0) }
      return try files + checkpoint.inputFiles() + (base?.checkpoint.inputFiles() ?? [])
    }
  }

  /// The model's configuration without what is said of the export, of code and of somebody's disk.
  var settings: JSONObject {
    var settings = ForeignCode.removed(from: checkpoint.configuration ?? [:]).settings
    for key in ["hedgehog", "_name_or_path"] { settings[key] = nil }
    return settings
  }

  private static func base(at path: String) throws(FormatError) -> ConvertedModel {
    let checkpoint = try Checkpoint(opening: path)
    guard checkpoint.artifact != nil else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected the artifact that was exported, found"
          + " \(checkpoint.linearAttentionName ?? "a softmax model")")
    }
    guard !checkpoint.isDelta else {
      throw FormatError(
        .unsupported, file: path, problem: "expected a whole artifact, found a delta")
    }
    return try ConvertedModel(checkpoint)
  }

  private static func names(
    of checkpoint: Checkpoint, without plan: RewritePlan
  ) throws(FormatError) -> NameMap {
    let maps = Set(plan.blocks.flatMap(\.tensors).map { ByteKey($0.name) })
    return try NameMap(
      tensors: checkpoint.tensors.filter { !maps.contains(ByteKey($0.name)) },
      configuration: checkpoint.configuration, configurationPath: checkpoint.configurationPath,
      checkpointPath: checkpoint.path)
  }

  /// Refuses a base that is another model than the folder's; heads may differ.
  private static func check(
    _ model: ConvertedModel, _ opened: Checkpoint, against base: ConvertedModel
  ) throws(FormatError) {
    func other(_ place: String, _ expected: String, _ found: String) -> FormatError {
      FormatError(
        .badData, file: opened.configurationPath ?? opened.path, place: place,
        problem: "expected \(expected) of the base \(quoted(base.checkpoint.path)), found \(found)",
        hint: "pass the artifact that this folder was exported from")
    }
    let (own, its) = (model.names, base.names)
    guard own.schema.architecture == its.schema.architecture else {
      throw other("key 'model_type'", its.schema.architecture, own.schema.architecture)
    }
    for key in its.schema.configuration where key.isOfBody {
      let (found, expected) = (
        own.hyperparameters.value(key.name), its.hyperparameters.value(key.name)
      )
      if found == expected || (found?.double != nil && found?.double == expected?.double) {
        continue
      }
      throw other(
        "key '\(key.keys.first ?? key.name)'", expected?.text ?? "none", found?.excerpt ?? "none")
    }
    if let found = DeclaredLinearAttention(opened),
      let expected = DeclaredLinearAttention(base.checkpoint), !found.agrees(with: expected)
    {
      throw other("key 'hedgehog'", expected.summary, found.summary)
    }
    guard model.graph.body == base.graph.body else {
      throw other("", "the layers", "others")
    }
    if let found = opened.exportedArtifact, let expected = base.manifest?.digest, found != expected
    {
      throw other(
        "key 'hedgehog.\(Checkpoint.artifactKey)'", "the manifest \(expected.prefix(16))…",
        quoted(found))
    }
  }
}

extension ArchitectureSchema.ConfigurationKey {
  /// Whether the model's body depends on the key by a plain value: tokens and labels are the head's or
  /// the tokenizer's, and objects may be written in several ways.
  fileprivate var isOfBody: Bool {
    type != .token && type != .object && name != "labelCount" && name != "tiedHead"
  }
}

extension Graph {
  /// The graph without its heads.
  fileprivate var body: [Node] {
    nodes.filter { node in
      if case .head = node.operation { false } else { true }
    }
  }
}
