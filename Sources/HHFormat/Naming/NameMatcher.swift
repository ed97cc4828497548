// Matching a checkpoint's tensor names and shapes against an architecture schema.

internal import OrderedCollections

/// Finds each tensor of a schema in a checkpoint's table.
struct NameMatcher {
  typealias Table = OrderedDictionary<ByteKey, TensorDescriptor>

  let schema: ArchitectureSchema
  let table: Table
  let file: String
  private let prefix: String

  init(schema: ArchitectureSchema, table: Table, file: String) {
    self.schema = schema
    self.table = table
    self.file = file
    prefix =
      schema.prefixes.first { prefix in
        schema.detect.allSatisfy { table[ByteKey($0.replacing("{prefix}", with: prefix))] != nil }
      } ?? ""
  }

  /// The tensor of a schema entry in one layer, under any of its spellings.
  private func find(_ spec: ArchitectureSchema.Tensor, layer: Int) -> TensorDescriptor? {
    for pattern in spec.names {
      let name = filled(pattern, layer: layer)
      if let tensor = table[ByteKey(name)] { return tensor }
      for rename in schema.renames where name.hasSuffix(rename.to) {
        let old = name.dropLast(rename.to.count) + rename.from
        if let tensor = table[ByteKey(String(old))] { return tensor }
      }
    }
    return nil
  }

  private func filled(_ pattern: String, layer: Int) -> String {
    pattern.replacing("{prefix}", with: prefix).replacing("{layer}", with: "\(layer)")
  }

  /// What the first layer's names and shapes show of the hyper-parameters; truth values as 0 or 1.
  func observedSizes() -> [String: Int] {
    var sizes: [String: Int] = [:]
    for spec in schema.tensors {
      guard let tensor = find(spec, layer: 0), tensor.shape.count == spec.shape.count else {
        continue
      }
      for (extent, size) in zip(spec.shape, tensor.shape) {
        if let name = extent.name, extent.factor == 1, sizes[name] == nil { sizes[name] = size }
      }
    }
    for spec in schema.tensors {
      if case .when(let condition) = spec.presence, find(spec, layer: 0) != nil {
        sizes[condition] = 1
      } else if spec.presence == .required, spec.tiedTo != nil {
        sizes["tiedHead"] = find(spec, layer: 0) == nil ? 1 : 0
      }
    }
    sizes["layerCount"] = observedLayerCount
    if let positions = sizes["positionCount"], let patch = sizes["patchSize"] {
      let side = Int(Double(max(0, positions - 1)).squareRoot())
      if side * side == positions - 1 { sizes["imageSize"] = side * patch }
    }
    return sizes
  }

  /// One more than the highest layer for which the checkpoint has a tensor.
  private var observedLayerCount: Int {
    guard let spec = schema.tensors.first(where: { $0.isPerLayer && $0.presence == .required })
    else { return 0 }
    var count = 0
    while count < table.count, find(spec, layer: count) != nil { count += 1 }
    return count
  }

  struct Matches {
    var entries: [NameMap.Entry] = []
    var dropped: [(tensor: TensorDescriptor, why: String)] = []
    var ties: [String: String] = [:]
  }

  /// Gives every tensor its role, or says which one is missing, unexpected or misshapen.
  func match(_ sizes: Hyperparameters) throws(FormatError) -> Matches {
    let layers = sizes.integer("layerCount")
    guard layers == observedLayerCount else {
      throw FormatError(
        .badData, file: sizes.file, place: "key '\(sizes.key("layerCount"))'",
        problem: "contradicts the tensors: expected \(observedLayerCount) layers, found \(layers)")
    }
    var roles: [ByteKey: NameMap.Entry] = [:]
    var matches = Matches()
    for spec in schema.tensors {
      if let tied = spec.tiedTo { matches.ties[spec.role] = tied }
      for layer in 0..<(spec.isPerLayer ? layers : 1) {
        guard let tensor = find(spec, layer: layer) else {
          try allowAbsence(of: spec, layer: layer, sizes)
          continue
        }
        if case .when(let condition) = spec.presence, !sizes.bool(condition) {
          throw FormatError(
            .badData, file: sizes.file, place: "key '\(sizes.key(condition))'",
            problem: "contradicts the tensors: expected no '\(tensor.name)', found it")
        }
        try checkShape(of: tensor, spec, sizes)
        roles[ByteKey(tensor.name)] = NameMap.Entry(
          role: spec.role.replacing("{layer}", with: "\(layer)"), tensor: tensor,
          isInputMajor: spec.isInputMajor)
      }
    }
    let droppable = droppableNames(layers: layers)
    for (name, tensor) in table {
      if let entry = roles[name] {
        matches.entries.append(entry)
      } else if let why = droppable[name] {
        matches.dropped.append((tensor, why))
      } else {
        throw unexpected(tensor)
      }
    }
    return matches
  }

  private func allowAbsence(
    of spec: ArchitectureSchema.Tensor, layer: Int, _ sizes: Hyperparameters
  ) throws(FormatError) {
    switch spec.presence {
    case .when(let condition) where !sizes.bool(condition): return
    case .group(let group):
      // A group is all or nothing: a part of it means the rest was lost.
      let isPartial = schema.tensors.contains {
        $0.presence == .group(group) && find($0, layer: layer) != nil
      }
      if !isPartial || spec.tiedTo != nil { return }
    case .required where spec.tiedTo != nil:
      if sizes.bool("tiedHead") { return }
    default: break
    }
    let name = filled(spec.names[0], layer: layer)
    let hint = spec.tiedTo == nil ? nil : "a tied head needs 'tie_word_embeddings': true"
    throw FormatError(
      .badData, file: file, place: "tensor '\(name)'",
      problem: "missing: expected it in a \(schema.architecture) checkpoint, found none", hint: hint
    )
  }

  private func checkShape(
    of tensor: TensorDescriptor, _ spec: ArchitectureSchema.Tensor, _ sizes: Hyperparameters
  ) throws(FormatError) {
    let expected = spec.shape.compactMap(sizes.extent)
    if tensor.shape == expected { return }
    let words = spec.shape.map { extent in
      guard let name = extent.name else { return "\(extent.factor)" }
      return extent.factor == 1 ? sizes.key(name) : "\(extent.factor)*\(sizes.key(name))"
    }
    throw FormatError(
      .badData, file: file, place: "tensor '\(tensor.name)'",
      problem: "wrong shape: expected \(expected) ([\(words.joined(separator: ", "))]),"
        + " found \(tensor.shape)")
  }

  private func droppableNames(layers: Int) -> [ByteKey: String] {
    var names: [ByteKey: String] = [:]
    for rule in schema.dropped {
      for layer in 0..<(rule.name.contains("{layer}") ? layers : 1) {
        names[ByteKey(filled(rule.name, layer: layer))] = rule.why
      }
    }
    return names
  }

  private func unexpected(_ tensor: TensorDescriptor) -> FormatError {
    FormatError(
      .badData, file: file, place: "tensor '\(tensor.name)'",
      problem: "unexpected: expected only tensors of a \(schema.architecture) checkpoint,"
        + " found shape \(tensor.shape)")
  }
}
