// Writing a manifest as JSON; ManifestReader.swift is the other direction.

extension ArtifactManifest {
  /// The manifest under schemas/artifact.schema.json, members in the schema's order.
  package var json: JSONValue {
    var members: JSONObject = [
      "formatVersion": .string(version.description),
      "producer": [
        "name": .string(description.producer.name),
        "version": .string(description.producer.version),
      ],
      "architecture": [
        "name": .string(description.architecture.name),
        "config": .object(description.architecture.config),
      ],
    ]
    // A member that is set to nil is left out.
    members["featureMap"] = description.linearAttention?.json
    members["frameSize"] = .integer(frameSize)
    var table = JSONObject()
    for tensor in tensors { table[tensor.name] = tensor.json }
    members["tensors"] = .object(table)
    if !files.isEmpty { members["files"] = files.json }
    members["base"] = base.map { base in
      var table = JSONObject()
      for tensor in base.tensors { table[tensor.name] = tensor.json }
      return ["tensors": .object(table), "files": base.files.json]
    }
    members["provenance"] = description.provenance.json
    members["stages"] = .array(description.stages.map(\.json))
    members["state"] = description.state?.json
    return .object(members)
  }
}

extension ArtifactManifest.Tensor {
  fileprivate var json: JSONValue {
    var members: JSONObject = [
      "dtype": .string(dtype.rawValue),
      "shape": .init(shape),
      "layout": .string(layout.rawValue),
    ]
    if layout == .planes {
      members["planeOrder"] = Self.planeOrder(of: dtype)
      members["rotateLeft"] = .integer(Self.planeRotation)
    }
    members["block"] = blockType.map { type in
      [
        "type": .string(type.name), "elements": .integer(type.elementsPerBlock),
        "bytes": .integer(type.bytesPerBlock),
      ]
    }
    members["sha256"] = .string(sha256)
    members["origin"] = .string(origin.rawValue)
    return .object(members)
  }

  /// Bits that a word is rotated left by before it is cut into planes.
  static let planeRotation = 1

  /// Which byte of the rotated word each stored plane holds: the least significant one first.
  static func planeOrder(of dtype: DType) -> JSONValue {
    JSONValue(Array(0..<dtype.bitWidth / 8))
  }
}

extension [CarriedFile] {
  fileprivate var json: JSONValue {
    var table = JSONObject()
    for file in self {
      table[file.name] = ["bytes": .integer(file.bytes), "sha256": .string(file.sha256)]
    }
    return .object(table)
  }
}

extension ArtifactBase.Tensor {
  fileprivate var json: JSONValue {
    ["dtype": .string(dtype.rawValue), "shape": .init(shape), "sha256": .string(sha256)]
  }
}

extension Provenance {
  fileprivate var json: JSONValue {
    var members: JSONObject = [
      "sources": .array(
        sources.map {
          ["name": .string($0.name), "bytes": .integer($0.bytes), "sha256": .string($0.sha256)]
        }),
      "recipe": .object(recipe),
      "seed": .init(seed),
    ]
    members["data"] = data.map {
      var members: JSONObject = ["kind": .string($0.kind)]
      members["sha256"] = $0.sha256?.json
      members["tokens"] = .integer($0.tokens)
      return .object(members)
    }
    return .object(members)
  }
}

extension ArtifactDescription.Stage {
  fileprivate var json: JSONValue {
    ["name": .string(name), "losses": .object(losses), "qualities": .object(qualities)]
  }
}
