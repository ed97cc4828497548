// Writing a manifest as JSON; ManifestReader.swift is the other direction.

extension ArtifactManifest {
  /// The manifest under schemas/artifact.schema.json, members in the schema's order.
  package var json: JSONValue {
    var members: JSONObject = [
      "formatVersion": .string(version.description),
      "producer": .object([
        "name": .string(description.producer.name),
        "version": .string(description.producer.version),
      ]),
      "architecture": .object([
        "name": .string(description.architecture.name),
        "config": .object(description.architecture.config),
      ]),
    ]
    // A member that is set to nil is left out.
    members["featureMap"] = description.featureMap?.json
    members["frameSize"] = .integer(Int64(frameSize))
    var table = JSONObject()
    for tensor in tensors { table[tensor.name] = tensor.json }
    members["tensors"] = .object(table)
    if !files.isEmpty { members["files"] = files.json }
    members["base"] = base.map { base in
      var table = JSONObject()
      for tensor in base.tensors { table[tensor.name] = tensor.json }
      return .object(["tensors": .object(table), "files": base.files.json])
    }
    members["provenance"] = description.provenance.json
    members["stages"] = .array(description.stages.map(\.json))
    members["state"] = description.state.map(JSONValue.object)
    return .object(members)
  }
}

extension ArtifactManifest.Tensor {
  fileprivate var json: JSONValue {
    var members: JSONObject = [
      "dtype": .string(dtype.rawValue),
      "shape": .array(shape.map { .integer(Int64($0)) }),
      "layout": .string(layout.rawValue),
    ]
    if layout == .planes {
      members["planeOrder"] = Self.planeOrder(of: dtype)
      members["rotateLeft"] = .integer(Self.planeRotation)
    }
    members["sha256"] = .string(sha256)
    members["origin"] = .string(origin.rawValue)
    return .object(members)
  }

  /// Bits that a word is rotated left by before it is cut into planes.
  static let planeRotation: Int64 = 1

  /// Which byte of the rotated word each stored plane holds: the least significant one first.
  static func planeOrder(of dtype: DType) -> JSONValue {
    .array((0..<Int64(dtype.bitWidth / 8)).map(JSONValue.integer))
  }
}

extension [CarriedFile] {
  fileprivate var json: JSONValue {
    var table = JSONObject()
    for file in self {
      table[file.name] = .object([
        "bytes": .integer(Int64(file.bytes)), "sha256": .string(file.sha256),
      ])
    }
    return .object(table)
  }
}

extension ArtifactBase.Tensor {
  fileprivate var json: JSONValue {
    .object([
      "dtype": .string(dtype.rawValue),
      "shape": .array(shape.map { .integer(Int64($0)) }),
      "sha256": .string(sha256),
    ])
  }
}

extension FeatureMapDescription {
  fileprivate var json: JSONValue {
    var members: JSONObject = [
      "kind": .string(kind.rawValue),
      "featureDimension": .integer(Int64(featureDimension)),
      "bias": .bool(bias),
      "sharing": .string(sharing.rawValue),
      "epsilon": .number(epsilon),
      "epsilonPlacement": .string(epsilonPlacement.rawValue),
      "orientation": .string(orientation),
    ]
    members["constant"] = constant.map(JSONValue.number)
    members["window"] = window.map { .integer(Int64($0)) }
    if !softmaxLayers.isEmpty {
      members["softmaxLayers"] = .array(softmaxLayers.map { .integer(Int64($0)) })
    }
    return .object(members)
  }
}

extension Provenance {
  fileprivate var json: JSONValue {
    var members: JSONObject = [
      "sources": .array(
        sources.map {
          .object([
            "name": .string($0.name),
            "bytes": .integer(Int64($0.bytes)),
            "sha256": .string($0.sha256),
          ])
        }),
      "recipe": .object(recipe),
      "seed": Int64(exactly: seed).map(JSONValue.integer) ?? .unsigned(seed),
    ]
    members["data"] = data.map {
      var members: JSONObject = ["kind": .string($0.kind)]
      members["sha256"] = $0.sha256.map(JSONValue.string)
      members["tokens"] = .integer(Int64($0.tokens))
      return .object(members)
    }
    return .object(members)
  }
}

extension ArtifactDescription.Stage {
  fileprivate var json: JSONValue {
    .object([
      "name": .string(name), "losses": .object(losses), "qualities": .object(qualities),
    ])
  }
}
