// Matching a checkpoint's tensor names and shapes against an architecture schema.

internal import OrderedCollections

/// Finds each tensor of a schema in a checkpoint's table.
struct NameMatcher {
  typealias Table = OrderedDictionary<ByteKey, TensorDescriptor>

  let schema: ArchitectureSchema
  let table: Table
  let file: String
  private let prefix: String
  /// Whether the checkpoint is of a model without a language-model head.
  private let isBase: Bool

  init(schema: ArchitectureSchema, table: Table, file: String, configuration: JSONObject?) {
    self.schema = schema
    self.table = table
    self.file = file
    let prefix =
      schema.prefixes.first { prefix in
        schema.detect.allSatisfy { table[ByteKey($0.replacing("{prefix}", with: prefix))] != nil }
      }
      // Where what detection looks for is itself missing, the other names still show the prefix.
      ?? schema.prefixes.first { prefix in
        !prefix.isEmpty && table.keys.contains { $0.text.hasPrefix(prefix) }
      }
      ?? ""
    self.prefix = prefix
    if let name = configuration?["architectures"]?.array?.first?.string {
      isBase = name == schema.className(nil)
    } else {
      // Saving a base class puts no prefix before the names.
      isBase = prefix.isEmpty
    }
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

  /// The stored one of two tied tensors, where a program that stores shared memory once kept the
  /// other's name (as `save_model` of safetensors does); nil for a tensor that nothing is tied to.
  private func twin(of spec: ArchitectureSchema.Tensor, _ isTied: Bool) -> TensorDescriptor? {
    guard isTied, let other = schema.tensors.first(where: { $0.tiedTo == spec.role }) else {
      return nil
    }
    return find(other, layer: 0)
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
      let (size, overflow) = side.multipliedReportingOverflow(by: patch)
      if !overflow, side * side == positions - 1 { sizes["imageSize"] = size }
    }
    return sizes
  }

  /// One more than the highest layer of which the checkpoint has a tensor. A number beyond the
  /// count of tensors is none of a layer.
  private var observedLayerCount: Int {
    let stems = Set(
      schema.tensors.filter(\.isPerLayer).flatMap(\.names).compactMap { name in
        name.firstRange(of: "{layer}").map { name[..<$0.lowerBound] }
      }
    ).map { $0.replacing("{prefix}", with: prefix) }
    var count = 0
    for name in table.keys {
      for stem in stems where name.text.hasPrefix(stem) {
        let digits = name.text.dropFirst(stem.count).prefix { $0 != "." }
        if let layer = Int(digits), layer < table.count { count = max(count, layer + 1) }
      }
    }
    return count
  }

  struct Matches {
    var entries: [NameMap.Entry] = []
    var dropped: [(tensor: TensorDescriptor, why: String)] = []
    var ties: [String: String] = [:]
    /// Whether one of a tied pair has the place of the other.
    var hasTwin = false
  }

  /// Gives every tensor its role, or says which one is missing, unexpected or misshapen.
  func match(_ sizes: Hyperparameters) throws(FormatError) -> Matches {
    let layers = sizes.integer("layerCount")
    let observed = observedLayerCount
    // With no layer at all the first tensor that is missing says more.
    guard layers == observed || observed == 0 else {
      throw FormatError(
        .badData, file: sizes.file, place: "key '\(sizes.key("layerCount"))'",
        problem: "contradicts the tensors: expected \(observed) layers, found \(layers)")
    }
    let isTied = sizes.bool("tiedHead")
    var roles: [ByteKey: NameMap.Entry] = [:]
    var matches = Matches()
    for spec in schema.tensors {
      if let tied = spec.tiedTo, isTied { matches.ties[spec.role] = tied }
      for layer in 0..<(spec.isPerLayer ? layers : 1) {
        let own = find(spec, layer: layer)
        guard let tensor = own ?? twin(of: spec, isTied) else {
          try allowAbsence(of: spec, layer: layer, sizes)
          continue
        }
        // A head in the place of what it is tied to has that role.
        if isTied, let tied = spec.tiedTo,
          schema.tensors.contains(where: { other in
            other.role == tied && find(other, layer: 0) == nil
          })
        {
          continue
        }
        if own == nil { matches.hasTwin = true }
        if case .when(let condition) = spec.presence, !sizes.bool(condition) {
          throw FormatError(
            .badData, file: sizes.file, place: "key '\(sizes.key(condition))'",
            problem: "contradicts the tensors: expected no \(quoted(tensor.name)), found it")
        }
        try checkShape(of: tensor, spec, sizes)
        roles[ByteKey(tensor.name)] = NameMap.Entry(
          role: spec.role.replacing("{layer}", with: "\(layer)"), tensor: tensor,
          isInputMajor: spec.isInputMajor)
      }
    }
    let droppable = droppableNames(layers: layers)
    for (name, tensor) in table {
      if let entry = roles[ByteKey(tensor.name)] {
        matches.entries.append(entry)
      } else if let why = droppable[name] {
        matches.dropped.append((tensor, why))
      } else {
        throw unexpected(tensor)
      }
    }
    return matches
  }

  /// Whether the checkpoint holds a classifier, which is a model's only head.
  private var hasClassifier: Bool {
    schema.heads.contains { head in
      head.isClassifier
        && schema.tensors.contains { $0.role == head.role && find($0, layer: 0) != nil }
    }
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
      if !isPartial || (spec.tiedTo != nil && sizes.bool("tiedHead")) { return }
    case .required where spec.tiedTo != nil:
      if sizes.bool("tiedHead") || isBase || hasClassifier { return }
    default: break
    }
    let name = filled(spec.names[0], layer: layer)
    let isHeadThere = schema.tensors.contains {
      $0.tiedTo == spec.role && find($0, layer: layer) != nil
    }
    let hint =
      spec.tiedTo == nil && !isHeadThere ? nil : "a tied head needs 'tie_word_embeddings': true"
    throw FormatError(
      .badData, file: file, place: "tensor '\(name)'",
      problem: "missing: expected it in a \(schema.architecture) checkpoint, found none", hint: hint
    )
  }

  private func checkShape(
    of tensor: TensorDescriptor, _ spec: ArchitectureSchema.Tensor, _ sizes: Hyperparameters
  ) throws(FormatError) {
    let expected = spec.shape.map(sizes.extent)
    if tensor.shape == expected { return }
    let words = spec.shape.map { extent in
      guard let name = extent.name else { return "\(extent.factor)" }
      return extent.factor == 1 ? sizes.key(name) : "\(extent.factor)*\(sizes.key(name))"
    }
    let extents = expected.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ")
    throw FormatError(
      .badData, file: file, place: "tensor \(quoted(tensor.name))",
      problem: "wrong shape: expected [\(extents)] ([\(words.joined(separator: ", "))]),"
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
      .badData, file: file, place: "tensor \(quoted(tensor.name))",
      problem: "unexpected: expected only tensors of a \(schema.architecture) checkpoint,"
        + " found shape \(tensor.shape)")
  }
}
