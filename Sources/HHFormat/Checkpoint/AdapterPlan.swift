// Which tensor of an adapter changes which tensor of its base model.

/// What merging a LoRA adapter does to a model, tensor by tensor; no weight of the model is read.
struct AdapterPlan {
  /// What is added to the base's tensors, by their names.
  private(set) var updates: [ByteKey: LowRankUpdate] = [:]
  /// The adapter's tensors that take the place of the base's, by the names of those.
  private(set) var replacements: [ByteKey: TensorDescriptor] = [:]
  /// The adapter's tensors that the base has none of, with their names in the model.
  private(set) var additions: [(name: String, tensor: TensorDescriptor)] = []
  /// The base's tensors of heads that the adapted model has not.
  private(set) var dropped: Set<ByteKey> = []
  /// The configuration of the adapted model.
  private(set) var configuration: JSONObject?

  private let settings: AdapterConfiguration
  private let weights: SafetensorsFile
  private let names: NameMap
  private let base: Checkpoint
  /// The role and layer of every name that a model of the architecture may give a tensor.
  private let roles: [ByteKey: (role: String, spec: ArchitectureSchema.Tensor, name: String)]

  /// Pairs the adapter's tensors with the base's: those with a role in `names`, and the feature maps
  /// that `map` knows by the names of an export.
  ///
  /// - Throws: `badData` for a tensor that no part of the model has or that is of another shape than
  ///   it, naming both files' tensors; `unsupported` for weights that the adapter would untie.
  init(
    _ settings: AdapterConfiguration, _ weights: SafetensorsFile, _ base: Checkpoint,
    names: NameMap, map: (String) -> String?
  ) throws(FormatError) {
    self.settings = settings
    self.weights = weights
    self.base = base
    self.names = names
    roles = names.possibleNames
    configuration = base.configuration
    var pairs: [ByteKey: (module: String, a: TensorDescriptor?, b: TensorDescriptor?)] = [:]
    var order: [ByteKey] = []
    for tensor in weights.tensors {
      guard let part = Part(tensor.name) else { throw unexpected(tensor) }
      switch part.kind {
      case .whole:
        if let name = map(part.module), let own = base[name] {
          try replace(own, with: tensor)
        } else {
          try replace(part.module, with: tensor)
        }
      case .a, .b:
        let key = ByteKey(part.module)
        if pairs[key] == nil { order.append(key) }
        var pair = pairs[key] ?? (part.module, nil, nil)
        if part.kind == .a { pair.a = tensor } else { pair.b = tensor }
        pairs[key] = pair
      }
    }
    for key in order {
      guard let pair = pairs[key] else { continue }
      guard let a = pair.a, let b = pair.b else {
        let found = pair.a ?? pair.b
        throw error(found?.name ?? pair.module, "expected lora_A and lora_B, found one of them")
      }
      try update(pair.module, a, b)
    }
    try takeHead()
  }

  /// What an adapter's tensor is for, by its name.
  private struct Part {
    enum Kind { case a, b, whole }
    let kind: Kind
    /// The module, or the tensor that is replaced.
    let module: String

    init?(_ name: String) {
      let prefix = "base_model.model."
      guard name.hasPrefix(prefix) else { return nil }
      let rest = String(name.dropFirst(prefix.count))
      for (ending, kind) in [
        (".lora_A.weight", Kind.a), (".lora_B.weight", .b), (".lora_embedding_A", .a),
        (".lora_embedding_B", .b),
      ] where rest.hasSuffix(ending) {
        (self.kind, module) = (kind, String(rest.dropLast(ending.count)))
        return
      }
      guard !rest.contains("lora_") else { return nil }
      kind = .whole
      module = rest.replacing(".base_layer.", with: ".").replacing(
        ".modules_to_save.default.", with: ".")
    }
  }

  private func error(
    _ tensor: String, _ problem: String, kind: FormatError.Kind = .badData
  ) -> FormatError {
    FormatError(kind, file: weights.path, place: "tensor \(quoted(tensor))", problem: problem)
  }

  private func unexpected(_ tensor: TensorDescriptor) -> FormatError {
    error(
      tensor.name,
      "unexpected: expected LoRA's matrices for tensors of the \(names.schema.architecture) model in"
        + " \(quoted(base.path)), found shape \(tensor.shape)")
  }

  private mutating func replace(
    _ name: String, with tensor: TensorDescriptor
  ) throws(FormatError) {
    guard let (role, _, canonical) = roles[ByteKey(name)] else { throw unexpected(tensor) }
    try checkType(tensor)
    try checkTie(role, tensor)
    guard names.holds(role), let own = names[role] else {
      additions.append((canonical, tensor))
      return
    }
    guard own.tensor.shape == tensor.shape || role.hasPrefix("classifier.") else {
      throw otherShape(tensor, than: own.tensor)
    }
    if own.tensor.shape == tensor.shape {
      replacements[ByteKey(own.tensor.name)] = tensor
    } else {
      // A classifier of other classes takes the place of the base's.
      dropped.insert(ByteKey(own.tensor.name))
      additions.append((canonical, tensor))
    }
  }

  /// Puts a feature map's tensor in the place of the base's.
  private mutating func replace(
    _ own: TensorDescriptor, with tensor: TensorDescriptor
  ) throws(FormatError) {
    try checkType(tensor)
    guard own.shape == tensor.shape else { throw otherShape(tensor, than: own) }
    replacements[ByteKey(own.name)] = tensor
  }

  private func checkType(_ tensor: TensorDescriptor) throws(FormatError) {
    guard !tensor.dtype.isComputable else { return }
    throw error(
      tensor.name, "expected dtype F32, F16, BF16 or F64, found \(tensor.dtype.rawValue)",
      kind: .unsupported)
  }

  private func otherShape(_ tensor: TensorDescriptor, than own: TensorDescriptor) -> FormatError {
    error(
      tensor.name,
      "expected the shape \(own.shape) of \(quoted(own.name)) in \(quoted(base.path)), found"
        + " \(tensor.shape)")
  }

  private mutating func update(
    _ module: String, _ a: TensorDescriptor, _ b: TensorDescriptor
  ) throws(FormatError) {
    guard let (role, spec, _) = roles[ByteKey("\(module).weight")], names.holds(role),
      let own = names[role]
    else { throw unexpected(a) }
    try checkTie(role, a)
    let (factor, rank) = try settings.scaling(of: module)
    let isEmbedding = a.name.hasSuffix("lora_embedding_A")
    let isTransposed = spec.isInputMajor || isEmbedding
    let shape = isTransposed ? own.tensor.shape.reversed() : own.tensor.shape
    guard shape.count == 2, a.shape == [rank, shape[1]], b.shape == [shape[0], rank] else {
      throw error(
        a.name,
        "expected rank \(rank) by \(quoted(settings.path)) and the shape \(own.tensor.shape) of"
          + " \(quoted(own.tensor.name)) in \(quoted(base.path)), found \(a.shape) and \(b.shape)")
    }
    updates[ByteKey(own.tensor.name)] = LowRankUpdate(
      a: try floats(a), b: try floats(b), rank: rank, factor: factor, isTransposed: isTransposed)
  }

  /// Weights that two parts share are two after one of them was trained.
  private func checkTie(_ role: String, _ tensor: TensorDescriptor) throws(FormatError) {
    guard names.hyperparameters.bool("tiedHead"),
      names.schema.tensors.contains(where: {
        $0.tiedTo != nil && ($0.role == role || $0.tiedTo == role) && names[$0.role] != nil
      })
    else { return }
    throw error(
      tensor.name,
      "expected an adapter that leaves the shared weights of embeddings and head alone, found one"
        + " that changes them",
      kind: .unsupported)
  }

  private func floats(_ tensor: TensorDescriptor) throws(FormatError) -> [Float] {
    var values = [Float](repeating: 0, count: tensor.elementCount)
    var span = values.mutableSpan
    guard tensor.dtype.convert(weights.bytes(of: tensor), to: &span) else {
      throw error(
        tensor.name, "expected dtype F32, F16, BF16 or F64, found \(tensor.dtype.rawValue)",
        kind: .unsupported)
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw error(
        tensor.name, "expected finite weights, found one that is not at element \(index)")
    }
    return values
  }

  /// An adapter for classes brings its classifier, and the base's other heads go.
  private mutating func takeHead() throws(FormatError) {
    let own = additions.first { name, _ in roles[ByteKey(name)]?.role == "classifier.weight" }
    guard let head = names.schema.heads.first(where: \.isClassifier), let own else { return }
    guard names.schema.kind != .decoder else { throw unexpected(own.1) }
    configuration?["architectures"] = .array([.string(names.schema.className(head))])
    // Of the base's own head, if it had any.
    for key in ["id2label", "label2id", "num_labels"] { configuration?[key] = nil }
    for other in names.schema.heads where !other.isClassifier {
      for entry in names.entries {
        let group = names.schema.tensors.first { $0.role == entry.role }?.presence
        let isItsOwn = other.groups.contains { group == .group($0) && !head.groups.contains($0) }
        if isItsOwn || entry.role.hasPrefix("nextSentence.") {
          dropped.insert(ByteKey(entry.tensor.name))
        }
      }
    }
  }
}

extension NameMap {
  /// For every name that a model of this architecture and size may give a tensor, with any of its
  /// prefixes, the role, its entry in the schema and the name that the reference implementation
  /// would save it under in a model with a head.
  fileprivate var possibleNames:
    [ByteKey: (role: String, spec: ArchitectureSchema.Tensor, name: String)]
  {
    var result: [ByteKey: (role: String, spec: ArchitectureSchema.Tensor, name: String)] = [:]
    for spec in schema.tensors {
      for layer in 0..<(spec.isPerLayer ? hyperparameters.integer("layerCount") : 1) {
        func filled(_ text: String, _ prefix: String) -> String {
          text.replacing("{prefix}", with: prefix).replacing("{layer}", with: "\(layer)")
        }
        let canonical = filled(spec.names[0], schema.prefixes.first ?? "")
        for name in spec.names {
          for prefix in schema.prefixes {
            result[ByteKey(filled(name, prefix))] = (filled(spec.role, ""), spec, canonical)
          }
        }
      }
    }
    return result
  }
}
