// A new model as an ordinary checkpoint, so that everything else can treat it as one.

internal import HHCompute
internal import HHData
package import HHFormat

extension NewModel {
  /// Files of a tokenizer or an image processor.
  private static let sidecars: Set<String> = [
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
    try staging.writeModel(tensors, configuration) { role, count throws(FormatError) in
      try values(role: role, count: count, seed: seed)
    }
    if let files {
      for file in try SidecarFiles(in: files, named: Self.sidecars).files {
        try staging.write(file.content, to: file.name)
      }
    }
    try staging.publish()
  }
}

extension StagingFolder {
  /// Writes tensors in float32, with the values of their roles, and the configuration beside them.
  func writeModel(
    _ tensors: [(role: String, tensor: TensorDescriptor)], _ configuration: JSONObject,
    values: (_ role: String, _ count: Int) throws(FormatError) -> FloatBuffer
  ) throws(FormatError) {
    try SafetensorsWriter.write(
      to: path("model.safetensors"),
      tensors: tensors.map { ($0.tensor.name, .f32, $0.tensor.shape) },
      metadata: [("format", "pt")]
    ) { index, sink throws(FormatError) in
      let (role, tensor) = tensors[index]
      let buffer = try values(role, tensor.elementCount)
      let span = buffer.span
      // Safe: floats have no padding.
      try sink(unsafe span.bytes)
    }
    try write(Array(JSONValue.object(configuration).readableText.utf8), to: "config.json")
  }
}
