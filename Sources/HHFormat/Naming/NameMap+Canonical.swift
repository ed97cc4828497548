// The names and settings that the reference implementation would save a model under.

extension NameMap {
  /// Whether the model has a head, so that the reference implementation prefixes the rest.
  package var hasHead: Bool {
    schema.tensors.contains { spec in
      guard let name = spec.names.first, !name.hasPrefix("{prefix}") else { return false }
      if case .group = spec.presence { return holds(spec.role) }
      return self[spec.role] != nil
    }
  }

  /// For each role that the checkpoint holds, the name under which the reference implementation
  /// saves its tensor today, whatever the checkpoint calls it.
  package var canonicalNames: [String: String] {
    let prefix = hasHead ? schema.prefixes.first ?? "" : ""
    var names: [String: String] = [:]
    for spec in schema.tensors {
      for layer in 0..<(spec.isPerLayer ? hyperparameters.integer("layerCount") : 1) {
        let role = spec.role.replacing("{layer}", with: "\(layer)")
        guard holds(role) else { continue }
        names[role] = spec.names[0].replacing("{prefix}", with: prefix)
          .replacing("{layer}", with: "\(layer)")
      }
    }
    return names
  }

  /// A configuration in which every number, word and truth value of the model is explicit.
  ///
  /// The reference implementation fills gaps with the defaults of its classes, where this program
  /// looks at the tensors: written out, both agree.
  package func completed(_ configuration: JSONObject) -> JSONObject {
    var result = configuration
    for key in schema.configuration where key.type != .token && key.type != .object {
      guard key.value(in: configuration) == nil,
        let name = key.keys.first(where: { !$0.contains(".") }),
        let value = hyperparameters.value(key.name), value != .null
      else { continue }
      result[name] = value
    }
    let labels = hyperparameters.integer("labelCount")
    if labels > 0, configuration["id2label"]?.object?.count != labels {
      var (names, numbers) = (JSONObject(), JSONObject())
      for label in 0..<labels {
        names["\(label)"] = "LABEL_\(label)"
        numbers["LABEL_\(label)"] = .integer(label)
      }
      result["id2label"] = .object(names)
      result["label2id"] = .object(numbers)
    }
    return result
  }
}
