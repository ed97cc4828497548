// Which checkpoints are exports of a converted model.

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
      name.hasPrefix("hedgehog_")
    else { return nil }
    return name
  }
}
