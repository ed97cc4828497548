// A new model as an ordinary checkpoint, so that everything else can treat it as one.

internal import HHCompute
package import HHFormat

extension FreshModel {
  /// Files of a tokenizer or an image processor.
  private static let companions: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "preprocessor_config.json",
  ]

  /// Writes weights, configuration and the files that go along into a new folder, which appears only
  /// when it is whole.
  ///
  /// - Throws: `badData` for sizes that contradict each other, `missingInput` for files that are not
  ///   there, `unsupported` for an architecture that is not known.
  package func write(to folder: String, seed: UInt64) throws(FormatError) {
    let tokenizer = try files.flatMap { (path) throws(FormatError) in
      try TokenizerLoader.load(beside: path)
    }
    let schema = try ArchitectureSchema.named(architecture)
    guard schema.kind == .image || vocabulary != nil || tokenizer != nil else {
      throw FormatError(
        .badData, file: "recipe", place: "key 'model.vocabulary'",
        problem: "expected a number, or a tokenizer in 'model.files', found neither")
    }
    if let vocabulary, let tokenizer, vocabulary < tokenizer.vocabularySize {
      throw FormatError(
        .badData, file: "recipe", place: "key 'model.vocabulary'",
        problem:
          "expected at least the tokenizer's \(tokenizer.vocabularySize), found \(vocabulary)")
    }
    let configuration = try configuration(tokenizer)
    let tensors = try tensors(configuration, file: "recipe")
    let staging = try StagingFolder(for: folder, replacing: false)
    try SafetensorsWriter.write(
      to: staging.path("model.safetensors"),
      tensors: tensors.map { ($0.tensor.name, .f32, $0.tensor.shape) },
      metadata: [("format", "pt")]
    ) { index, sink throws(FormatError) in
      let (role, tensor) = tensors[index]
      let buffer = values(role: role, count: tensor.elementCount, seed: seed)
      let values = buffer.span
      // Safe: floats have no padding.
      try sink(unsafe values.bytes)
    }
    try staging.write(
      Array(JSONValue.object(configuration).readableText.utf8), to: "config.json")
    if let files {
      for name in try directoryEntries(of: files) where Self.companions.contains(name) {
        try staging.write(try readBytes(at: join(files, name)), to: name)
      }
    }
    try staging.publish()
  }
}
