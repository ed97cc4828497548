// Which architecture a checkpoint is of, from its configuration and its tensors' names.

/// Decides the architecture; configuration and names must agree.
struct ArchitectureDetection {
  /// Whether the checkpoint holds a tensor of this name.
  let names: (String) -> Bool
  let configuration: JSONObject?
  let configurationPath: String?
  let checkpointPath: String

  func schema(among schemas: [ArchitectureSchema]) throws(FormatError) -> ArchitectureSchema {
    let byNames = schemas.first { schema in
      schema.prefixes.contains { prefix in
        schema.detect.allSatisfy { names($0.replacing("{prefix}", with: prefix)) }
      }
    }
    guard let type = configuration?["model_type"] else {
      if let byNames { return byNames }
      throw FormatError(
        .unsupported, file: checkpointPath,
        problem: "tensor names of no known architecture: expected"
          + " \(ArchitectureSchema.names(of: schemas))",
        hint: "if it is one of them, give its configuration with --config FILE")
    }
    let file = configurationPath ?? checkpointPath
    guard let schema = schemas.first(where: { $0.modelTypes.contains(type.string ?? "") }) else {
      throw FormatError(
        .unsupported, file: file, place: "key 'model_type'",
        problem: "expected \(ArchitectureSchema.names(of: schemas)), found \(type.text)")
    }
    if let byNames, byNames.architecture != schema.architecture {
      throw FormatError(
        .badData, file: file, place: "key 'model_type'",
        problem: "contradicts the tensors: expected '\(byNames.architecture)' by their names,"
          + " found \(type.text)")
    }
    for name in configuration?["architectures"]?.array ?? [] {
      let name = name.string ?? ""
      guard schema.modelTypes.contains(where: { name.lowercased().hasPrefix($0) }) else {
        throw FormatError(
          .badData, file: file, place: "key 'architectures'",
          problem: "contradicts 'model_type': expected a class of \(type.text), found '\(name)'")
      }
    }
    return schema
  }
}
