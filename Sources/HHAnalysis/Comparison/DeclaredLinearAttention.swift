// What a file says of its model's attention, whichever format it has.

package import HHFormat
internal import HHModel

/// The feature maps of a model by the word of its file: an artifact's manifest, the keys of a GGUF
/// file or the configuration in a folder for transformers.
package struct DeclaredLinearAttention {
  /// What is compared: the settings that all formats have.
  private static let fields = LinearAttentionDescription.fields.filter { $0.configuration != nil }

  /// The settings by the names of the manifest; nil for softmax attention.
  private let settings: [String: JSONValue]?

  /// What a checkpoint says; nil where it says nothing, as tensors without a configuration do.
  package init?(_ checkpoint: Checkpoint) {
    if let artifact = checkpoint.artifact {
      settings = artifact.manifest.description.linearAttention.map { map in
        Self.settings { $0.value(of: map) }
      }
    } else if let stated = checkpoint.declaredLinearAttention {
      settings = Self.settings { stated[$0.name] }
    } else {
      // Maps without a word about them: tensors that were exported without their settings.
      let hasMaps = checkpoint.tensors.contains { LinearAttentionLayer.isParameter($0.name) }
      guard checkpoint.configuration != nil, !hasMaps else { return nil }
      settings = nil
    }
  }

  private static func settings(
    _ value: (LinearAttentionDescription.Field) -> JSONValue?
  ) -> [String: JSONValue] {
    var settings: [String: JSONValue] = [:]
    for field in fields {
      let value = value(field)
      // GGUF has a list as a word.
      let word = value?.array.map { $0.compactMap(\.integer).map(String.init) }
      settings[field.name] = word.map { .string($0.joined(separator: ",")) } ?? value
    }
    return settings
  }

  /// Whether both are softmax attention, or linear attention with the same maps. Numbers are equal
  /// where they are the same float32, the precision in which GGUF keeps them.
  package func agrees(with other: DeclaredLinearAttention) -> Bool {
    guard let own = settings, let others = other.settings else {
      return settings == nil && other.settings == nil
    }
    return Self.fields.allSatisfy { field in
      let (a, b) = (own[field.name], others[field.name])
      if !field.isOptional, a == nil || b == nil { return true }
      if let a = a?.double, let b = b?.double { return Float(a) == Float(b) }
      return a == b
    }
  }

  /// The settings in a line.
  package var summary: String {
    guard let settings else { return "none, softmax attention" }
    let stated = Self.fields.compactMap { field in
      settings[field.name].map { "\(field.name) \($0.string ?? $0.text)" }
    }
    return stated.isEmpty ? "not stated" : stated.joined(separator: ", ")
  }
}
