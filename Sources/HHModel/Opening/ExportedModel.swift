// A converted model that was exported: a folder for transformers, or a GGUF file.

package import HHFormat

/// What an export holds, named as an artifact names it.
package struct ExportedModel {
  /// The tensors, those of the feature maps under their roles.
  package let checkpoint: Checkpoint
  /// What the maps are.
  package let linearAttention: LinearAttentionDescription
  /// The names of the maps' tensors in `checkpoint`.
  package let mapNames: Set<ByteKey>

  /// Reads an export; nil for any other checkpoint.
  ///
  /// - Throws: `badData` for settings and names that are no export's.
  package init?(_ checkpoint: Checkpoint) throws(FormatError) {
    guard let linearAttention = try checkpoint.exportedLinearAttention() else { return nil }
    self.linearAttention = linearAttention
    guard let configuration = checkpoint.exportedConfiguration else {
      // GGUF names the parameters by their roles.
      self.checkpoint = checkpoint
      mapNames = Set(
        checkpoint.tensors.map(\.name).filter { LinearAttentionLayer.isParameter($0) }.map {
          ByteKey($0)
        })
      return
    }
    let names = try NameMap(
      tensors: checkpoint.tensors.filter { !LinearAttentionLayer.isExportedParameter($0.name) },
      configuration: configuration, configurationPath: checkpoint.configurationPath,
      checkpointPath: checkpoint.path)
    let stems = names.attentionStems
    var roles: [ByteKey: String] = [:]
    for tensor in checkpoint.tensors {
      roles[ByteKey(tensor.name)] = LinearAttentionLayer.role(ofExported: tensor.name, stems)
    }
    self.checkpoint = Checkpoint(checkpoint, configuration: configuration) { name in
      roles[ByteKey(name)] ?? name
    }
    mapNames = Set(roles.values.map { ByteKey($0) })
  }
}

extension LinearAttentionLayer {
  /// Whether a name is one that the parameters of feature maps have.
  package static func isParameter(_ name: String) -> Bool {
    name.hasPrefix("layers.") && name.contains(".attention.feature_map.")
  }

  /// What parts the name of a parameter in a folder for transformers: before it stands the path of
  /// the attention block.
  private static let exportedMark = ".feature_map."

  /// Whether a name is one that the parameters have in a folder for transformers.
  package static func isExportedParameter(_ name: String) -> Bool { name.contains(exportedMark) }

  /// The role of a parameter by its name in a folder for transformers; nil for a name of no block.
  package static func role(ofExported name: String, _ stems: [ByteKey: String]) -> String? {
    let parts = name.split(separator: exportedMark, maxSplits: 1)
    guard parts.count == 2, let stem = stems[ByteKey(String(parts[0]))] else { return nil }
    return stem + exportedMark + parts[1]
  }
}

extension RewritePlan {
  /// The names that the parameters of the maps have in a folder for transformers, by their roles: the
  /// path of their attention block, and what the role says after that.
  package func exportedNames(_ names: NameMap) -> [ByteKey: String] {
    let canonical = names.canonicalNames
    var result: [ByteKey: String] = [:]
    for block in blocks {
      let stem = "layers.\(block.layer).attention"
      let projection = canonical["\(stem).query.weight"] ?? canonical["\(stem).qkv.weight"] ?? stem
      let path = projection.split(separator: ".").dropLast(2).joined(separator: ".")
      for tensor in block.tensors {
        result[ByteKey(tensor.name)] = path + tensor.name.dropFirst(stem.count)
      }
    }
    return result
  }
}

extension NameMap {
  /// For the path of each attention block the beginning of its roles, `layers.0.attention`.
  package var attentionStems: [ByteKey: String] {
    var stems: [ByteKey: String] = [:]
    for entry in entries {
      for suffix in [".query.weight", ".qkv.weight"] where entry.role.hasSuffix(suffix) {
        let path = entry.tensor.name.split(separator: ".").dropLast(2).joined(separator: ".")
        stems[ByteKey(path)] = String(entry.role.dropLast(suffix.count))
      }
    }
    return stems
  }
}
