// What a file says of its model's attention, whichever format it has.

internal import HHFormat
internal import HHModel

/// The feature maps of a model by the word of its file: an artifact's manifest, the keys of a GGUF
/// file or the configuration in a folder for transformers.
struct StatedFeatureMap {
  /// A member of a manifest's `featureMap`, and what the other formats call it.
  private struct Member {
    let name: String
    let gguf: String
    let configuration: String
    /// Whether the setting is none where it is not stated.
    var isOptional = false
  }

  private static let members = [
    Member(name: "kind", gguf: "kind", configuration: "feature_map"),
    Member(name: "featureDimension", gguf: "dimension", configuration: "feature_size"),
    Member(name: "bias", gguf: "bias", configuration: "bias"),
    Member(name: "sharing", gguf: "sharing", configuration: "key_maps"),
    Member(name: "epsilon", gguf: "epsilon", configuration: "epsilon"),
    Member(
      name: "epsilonPlacement", gguf: "epsilon_placement", configuration: "epsilon_placement"),
    Member(name: "constant", gguf: "constant", configuration: "constant", isOptional: true),
    Member(name: "window", gguf: "window", configuration: "window", isOptional: true),
    Member(
      name: "softmaxLayers", gguf: "softmax_layers", configuration: "softmax_layers",
      isOptional: true),
  ]

  /// The settings by the names of the manifest; nil for softmax attention.
  private let settings: [String: JSONValue]?

  /// What a checkpoint says; nil where it says nothing, as tensors without a configuration do.
  init?(_ checkpoint: Checkpoint) {
    if let artifact = checkpoint.artifact {
      settings = artifact.manifest.description.featureMap.map { Self.settings(of: $0) }
    } else if let architecture = checkpoint.linearAttentionName {
      let file = checkpoint.ggufFiles.first
      let stated = checkpoint.configuration?["hedgehog"]
      settings = Self.settings { member in
        if let file {
          file.value("\(architecture).attention.feature_map.\(member.gguf)")?.scalar
        } else {
          stated?[member.configuration]
        }
      }
    } else {
      // Maps without a word about them: tensors that were exported without their settings.
      let hasMaps = checkpoint.tensors.contains { FeatureMap.isParameter($0.name) }
      guard checkpoint.configuration != nil, !hasMaps else { return nil }
      settings = nil
    }
  }

  private static func settings(of map: FeatureMapDescription) -> [String: JSONValue] {
    var settings: [String: JSONValue] = [
      "kind": .string(map.kind.rawValue),
      "featureDimension": .integer(Int64(map.featureDimension)),
      "bias": .bool(map.bias),
      "sharing": .string(map.sharing.rawValue),
      "epsilon": .number(map.epsilon),
      "epsilonPlacement": .string(map.epsilonPlacement.rawValue),
    ]
    settings["constant"] = map.constant.map { .number($0) }
    settings["window"] = map.window.map { .integer(Int64($0)) }
    if !map.softmaxLayers.isEmpty {
      settings["softmaxLayers"] = list(map.softmaxLayers)
    }
    return settings
  }

  private static func settings(_ value: (Member) -> JSONValue?) -> [String: JSONValue] {
    var settings: [String: JSONValue] = [:]
    for member in members { settings[member.name] = value(member) }
    // GGUF has the list as a word.
    if let layers = settings["softmaxLayers"]?.array {
      settings["softmaxLayers"] = list(layers.compactMap(\.integer))
    }
    return settings
  }

  private static func list(_ layers: [Int]) -> JSONValue {
    .string(layers.map(String.init).joined(separator: ","))
  }

  /// Whether both are softmax attention, or linear attention with the same maps. Numbers are equal
  /// where they are the same float32, the precision in which GGUF keeps them.
  func agrees(with other: StatedFeatureMap) -> Bool {
    guard let own = settings, let others = other.settings else {
      return settings == nil && other.settings == nil
    }
    return Self.members.allSatisfy { member in
      let (a, b) = (own[member.name], others[member.name])
      if !member.isOptional, a == nil || b == nil { return true }
      if let a = a?.double, let b = b?.double { return Float(a) == Float(b) }
      return a == b
    }
  }

  /// The settings in a line.
  var summary: String {
    guard let settings else { return "none, softmax attention" }
    let stated = Self.members.compactMap { member in
      settings[member.name].map { "\(member.name) \($0.string ?? $0.text)" }
    }
    return stated.isEmpty ? "not stated" : stated.joined(separator: ", ")
  }
}

extension GGUFValue {
  /// A value that is no array, as JSON.
  fileprivate var scalar: JSONValue? {
    if let string { return .string(string) }
    if let bool { return .bool(bool) }
    if let integer { return .integer(Int64(integer)) }
    return number.map { .number($0) }
  }
}
