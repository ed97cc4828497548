// A trained model whose heads give way to a classifier that is yet to be trained.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// A checkpoint that gets a new classifier.
struct NewClassifier {
  /// Number of classes.
  let classCount: Int
  /// The checkpoint.
  let path: String
  /// A file in place of the checkpoint's `config.json`.
  let configuration: String?

  /// Writes the model in float32 into a new folder, under the names that transformers gives a model
  /// of this kind, so that it loads there too. The blocks, and the pooler where there is one, are the
  /// checkpoint's; all else is drawn as for a new model.
  ///
  /// - Throws: `unsupported` for an artifact and for an architecture without classifiers, and what
  ///   opening a checkpoint throws; nothing is left behind then.
  func write(to folder: String, seed: UInt64) throws(FormatError) {
    let checkpoint = try Checkpoint(opening: path, configuration: configuration)
    guard checkpoint.artifact == nil else {
      throw FormatError(
        .unsupported, file: path, problem: "expected a softmax model, found an artifact",
        hint: "pass the model that it was made from")
    }
    let names = try NameMap(checkpoint)
    let schema = names.schema
    let classifiers = try ArchitectureSchema.all().filter {
      $0.kind != .decoder && $0.heads.contains(where: \.isClassifier)
    }
    guard classifiers.contains(where: { $0.architecture == schema.architecture }) else {
      throw FormatError(
        .unsupported, file: path,
        problem:
          "expected a \(ArchitectureSchema.names(of: classifiers)), which can have a classifier, found a"
          + " \(schema.architecture)")
    }
    var model = NewModel(architecture: schema.architecture)
    model.classes = classCount
    let configuration = configuration(names, checkpoint.configuration ?? [:], like: model)
    let tensors = try model.tensors(configuration, file: checkpoint.configurationPath ?? path)
    let parameters = ParameterStore(checkpoint: checkpoint, names: names)
    let staging = try StagingFolder(for: folder, replacing: false)
    try staging.writeModel(tensors, configuration) { role, count throws(FormatError) in
      // What was read before is written.
      parameters.release()
      let isNew = role.hasPrefix("classifier.") || !names.holds(role)
      return isNew
        ? try model.values(role: role, count: count, seed: seed) : try parameters.vector(role)
    }
    for file in try SidecarFiles(of: checkpoint).files where file.name != "README.md" {
      let isMetadata = file.name == SidecarRules.ggufName
      let content = isMetadata ? try withoutSizes(file) : file.content
      try staging.write(content, to: file.name)
    }
    try staging.publish()
  }

  /// The metadata of a GGUF model without what describes another model than the one that comes of
  /// it: the tokenizer and the image processor are left.
  private func withoutSizes(_ file: SidecarFile) throws(FormatError) -> [UInt8] {
    let content = file.content
    var document = try JSONObject(parsing: content.raw, file: join(path, file.name))
    var kept: JSONObject = [:]
    for (key, value) in (document["metadata"]?.object ?? [:]).pairs
    where key.hasPrefix("tokenizer.") || key.hasPrefix("clip.vision.image_") {
      kept[key] = value
    }
    document["metadata"] = .object(kept)
    return Array(JSONValue.object(document).text.utf8)
  }

  /// The checkpoint's configuration with what the classifier changes.
  private func configuration(
    _ names: NameMap, _ given: JSONObject, like model: NewModel
  ) -> JSONObject {
    var result = names.completed(given)
    let own = model.headKeys(names.schema)
    for (key, value) in own.pairs { result[key] = value }
    if result["model_type"] == nil {
      result["model_type"] = .string(names.schema.modelTypes.first ?? names.schema.architecture)
    }
    // Of the heads that are gone, and of the type that the weights no longer have.
    for key in ["problem_type", "num_labels", "_num_labels", "torch_dtype"] { result[key] = nil }
    return result
  }
}
