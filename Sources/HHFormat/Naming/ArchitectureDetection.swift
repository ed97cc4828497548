// Which architecture a checkpoint is of, from its configuration and its tensors' names.

/// Decides the architecture; configuration and names must agree.
struct ArchitectureDetection {
  /// Whether the checkpoint holds a tensor of this name.
  let names: (String) -> Bool
  let configuration: JSONObject?
  let configurationPath: String?
  let checkpointPath: String

  func schema(among schemas: [ArchitectureSchema]) throws(FormatError) -> ArchitectureSchema {
    let byNames = schemas.first { $0.isShown(by: names) }
    let declared = try declaredSchema(among: schemas)
    if let declared { try checkClass(of: declared.schema) }
    guard let declared else {
      if let byNames { return byNames }
      throw FormatError(
        .unsupported, file: checkpointPath,
        problem: "tensor names of no known architecture: expected"
          + " \(ArchitectureSchema.names(of: schemas))",
        remedy: "if it is one of them, give its configuration with \(.configuration, "FILE")")
    }
    if let byNames, byNames.architecture != declared.schema.architecture {
      throw FormatError(
        .badData, file: file, place: "key '\(declared.key)'",
        problem: "contradicts the tensors: expected '\(byNames.architecture)' by their names,"
          + " found \(quoted(declared.word))")
    }
    return declared.schema
  }

  /// What the configuration says: its model type, else the class it names.
  private func declaredSchema(
    among schemas: [ArchitectureSchema]
  ) throws(FormatError) -> (schema: ArchitectureSchema, key: String, word: String)? {
    let classes = (configuration?["architectures"]?.array ?? []).map { $0.string ?? $0.text }
    if let type = configuration?["model_type"], type != .null {
      let word = type.string ?? type.text
      guard let schema = schemas.first(where: { $0.modelTypes.contains(word) }) else {
        throw FormatError(
          .unsupported, file: file, place: "key 'model_type'",
          problem: "expected \(ArchitectureSchema.names(of: schemas)), found \(quoted(word))")
      }
      if let other = classes.first(where: { !schema.holds(class: $0) }) {
        throw FormatError(
          .badData, file: file, place: "key 'architectures'",
          problem: "contradicts 'model_type': expected a class of '\(word)', found \(quoted(other))"
        )
      }
      return (schema, "model_type", word)
    }
    guard let name = classes.first else { return nil }
    guard let schema = schemas.first(where: { $0.holds(class: name) }) else {
      throw FormatError(
        .unsupported, file: file, place: "key 'architectures'",
        problem: "expected a class of \(ArchitectureSchema.names(of: schemas)),"
          + " found \(quoted(name))")
    }
    return (schema, "architectures", name)
  }

  /// The class decides what the heads mean, so one that is not known is not guessed at.
  private func checkClass(of schema: ArchitectureSchema) throws(FormatError) {
    let known = schema.classNames
    guard let name = configuration?["architectures"]?.array?.first?.string, !known.contains(name)
    else { return }
    throw FormatError(
      .unsupported, file: file, place: "key 'architectures'",
      problem: "expected \(Format.alternatives(known)), found"
        + " \(quoted(name))")
  }

  private var file: String { configurationPath ?? checkpointPath }
}

extension ArchitectureSchema {
  /// Whether a checkpoint with such names is of this architecture.
  func isShown(by names: (String) -> Bool) -> Bool {
    prefixes.contains { prefix in
      detect.allSatisfy { names($0.replacing("{prefix}", with: prefix)) }
    }
  }

  /// Whether a class of the reference implementation is of this architecture, by its name.
  fileprivate func holds(class name: String) -> Bool {
    modelTypes.contains { name.lowercased().hasPrefix($0) }
  }
}
