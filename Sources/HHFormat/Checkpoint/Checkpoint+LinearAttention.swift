// Which checkpoints are exports of a converted model, and what they say of its attention.

extension Checkpoint {
  /// What a file calls the architecture of an exported model with linear attention: `hedgehog-gpt2`
  /// in GGUF, `hedgehog_gpt2` in a folder for transformers; nil for a softmax model and an artifact.
  ///
  /// Only the name tells it where the feature maps have no parameters: its tensors are then those of
  /// the softmax model.
  package var linearAttentionName: String? {
    if let file = ggufFiles.first {
      // The file's own word, which a configuration given in its place does not change.
      guard let name = file.header["general.architecture"]?.string,
        name.hasPrefix(ArchitectureSchema.hedgehogPrefix)
      else { return nil }
      return name
    }
    guard artifact == nil, let name = configuration?["model_type"]?.string,
      name.hasPrefix(Self.folderPrefix)
    else { return nil }
    return name
  }

  /// Whether the model has linear attention: an artifact, or an export of one.
  package var isConverted: Bool { artifact != nil || linearAttentionName != nil }

  private static let folderPrefix = "hedgehog_"

  /// The configuration of the softmax model behind an export for transformers; nil for any other
  /// checkpoint.
  package var exportedConfiguration: JSONObject? {
    guard ggufFiles.isEmpty, let name = linearAttentionName, var result = configuration else {
      return nil
    }
    result["model_type"] = .string(String(name.dropFirst(Self.folderPrefix.count)))
    let classes = result["architectures"]?.array?.map { value in
      value.string.map { JSONValue.string($0.replacing("Hedgehog", with: "")) } ?? value
    }
    if let classes { result["architectures"] = .array(classes) }
    return result
  }

  /// The key in the object `hedgehog` of an export's configuration that says which artifact it was
  /// made from.
  package static let artifactKey = "artifact"

  /// The digest of the manifest of the artifact that a folder for transformers was exported from; nil
  /// where it does not say.
  package var exportedArtifact: String? { configuration?["hedgehog"]?[Self.artifactKey]?.string }

  /// What an export says of its feature maps, by the names of a manifest; nil for any other
  /// checkpoint.
  package var declaredLinearAttention: JSONObject? {
    guard let architecture = linearAttentionName else { return nil }
    let file = ggufFiles.first
    let settings = configuration?["hedgehog"]
    var stated: JSONObject = [:]
    for field in LinearAttentionDescription.fields {
      let key = "\(architecture).\(LinearAttentionDescription.ggufStem).\(field.gguf)"
      stated[field.name] =
        file != nil ? file?.value(key)?.json : field.configuration.flatMap { settings?[$0] }
    }
    return stated
  }

  /// The feature maps of an export; nil for any other checkpoint.
  ///
  /// - Throws: `badData` for a setting that is missing or no such setting.
  package func exportedLinearAttention() throws(FormatError) -> LinearAttentionDescription? {
    guard var stated = declaredLinearAttention else { return nil }
    // A configuration does not say how weights are laid out: there is one way.
    if stated["orientation"] == nil {
      stated["orientation"] = .string(LinearAttentionDescription.defaultOrientation)
    }
    // GGUF has a list as a word.
    if let word = stated["softmaxLayers"]?.string {
      stated["softmaxLayers"] = .array(
        word.split(separator: ",").map { part in
          Int(part).map { .integer($0) } ?? .string(String(part))
        })
    }
    return try ManifestMembers.reading(
      .object(stated), file: configurationPath ?? path, path: "hedgehog", tolerant: false
    ) { (members) throws(FormatError) in try LinearAttentionDescription(members: &members) }
  }
}
