// A `config.json` for a GGUF model, made from its metadata.

/// Builds a configuration under the keys of Hugging Face.
struct GGUFConfiguration {
  let schema: ArchitectureSchema
  /// The name that prefixes the keys of the metadata.
  let architecture: String
  let metadata: GGUFFile
  let views: [GGUFView]
  let files: [GGUFFile]

  /// The configuration. What the metadata does not say comes from the tensors: their shapes give
  /// sizes, and their presence tells whether the model has biases and an untied output head.
  func configuration() throws(FormatError) -> JSONObject {
    try refuseOtherModels()
    try checkLayerLists()
    var result: JSONObject = ["model_type": .string(schema.modelTypes[0])]
    for key in schema.configuration {
      guard let name = key.keys.first(where: { !$0.contains(".") }) else { continue }
      if let value = try value(of: key) { result[name] = value }
    }
    for spec in schema.tensors {
      if case .when(let condition) = spec.presence, let name = name(of: condition) {
        result[name] = .bool(result[name] == .bool(true) || holds(spec))
      } else if spec.presence == .required, spec.tiedTo != nil, let name = name(of: "tiedHead") {
        result[name] = .bool(!holds(spec))
      }
    }
    try addClassifier(to: &result)
    if schema.block.positions == "rotary", let scaling = try rotaryScaling() {
      result["rope_scaling"] = .object(scaling)
    }
    return result
  }

  private func name(of key: String) -> String? {
    schema.configuration.first { $0.name == key }?.keys.last
  }

  private func holds(_ spec: ArchitectureSchema.Tensor) -> Bool {
    let names = [spec.gguf, spec.ggufRead].compactMap { $0?.replacing("{layer}", with: "0") }
    return views.contains { names.contains($0.tensor.name) }
  }

  private func holds(role: String) -> Bool {
    schema.tensors.contains { $0.role == role && holds($0) }
  }

  /// What a classifier reads and tells apart. As in llama.cpp, one without a pooler reads the first
  /// position itself.
  private func addClassifier(to result: inout JSONObject) throws(FormatError) {
    guard let head = schema.heads.first(where: \.isClassifier), holds(role: head.role) else {
      return
    }
    if head.groups.contains("pooler"), !holds(role: "pooler.weight") {
      result[HeadChoice.inputKey] = .string(HeadChoice.firstPosition)
    }
    let labels = "\(architecture).classifier.output_labels"
    guard let names = try metadata.strings(labels) else { return }
    result["id2label"] = .object(
      JSONObject(names.enumerated().map { ("\($0)", .string($1)) }))
  }

  private func value(
    of key: ArchitectureSchema.ConfigurationKey
  ) throws(FormatError) -> JSONValue? {
    for pattern in key.gguf {
      let name = pattern.replacing("{architecture}", with: architecture)
      switch key.type {
      case .integer, .side, .token:
        if let integer = try metadata.integer(name) { return .integer(integer) }
      case .number: if let number = try metadata.number(name) { return .number(number) }
      case .string: if let string = try metadata.string(name) { return .string(string) }
      case .boolean, .object: continue
      }
    }
    if let own = try ownValue(of: key) { return own }
    return key.type == .integer ? observed(key.name)?.json : nil
  }

  /// The value under our own key, which the writer uses where the format has no key.
  private func ownValue(
    of key: ArchitectureSchema.ConfigurationKey
  ) throws(FormatError) -> JSONValue? {
    guard let value = metadata.header[key.ownKey] else { return nil }
    switch key.type {
    case .boolean: return value.bool?.json ?? .string(value.text)
    case .string: return .string(value.string ?? value.text)
    case .number: return try metadata.number(key.ownKey)?.json
    case .integer, .side, .token:
      return try metadata.integer(key.ownKey)?.json
    case .object: return nil
    }
  }

  /// The value of a hyperparameter as the shapes of the first layer's tensors show it, or nil.
  private func observed(_ size: String) -> Int? {
    for spec in schema.tensors {
      guard let place = spec.shape.firstIndex(where: { $0.name == size && $0.factor == 1 }),
        let name = spec.gguf?.replacing("{layer}", with: "0"),
        let view = views.first(where: { $0.tensor.name == name }),
        view.descriptor.shape.count == spec.shape.count
      else { continue }
      return view.descriptor.shape[place]
    }
    return nil
  }

  /// A list of numbers has one for each layer.
  private func checkLayerLists() throws(FormatError) {
    let keys = schema.configuration.filter(\.type.isInteger).flatMap { key in
      key.gguf.map { (key.name, $0.replacing("{architecture}", with: architecture)) }
    }
    guard let count = keys.first(where: { $0.0 == "layerCount" })?.1,
      let layers = try metadata.integer(count)
    else { return }
    for (_, key) in keys {
      guard let value = metadata.value(key), value.array != nil,
        let found = try metadata.integers(key)?.count, found != layers
      else { continue }
      throw metadata.error(
        key, "expected \(layers) numbers, one for each layer by '\(count)', found \(found)")
    }
  }

  /// Refuses variants that share the architecture's name but compute something else.
  private func refuseOtherModels() throws(FormatError) {
    if let experts = try metadata.integer("\(architecture).expert_count"), experts > 0 {
      throw metadata.error(
        "\(architecture).expert_count", "expected no experts, found \(experts)",
        kind: .unsupported)
    }
    let causal = "\(architecture).attention.causal"
    if let value = metadata.header[causal],
      value != .bool(schema.kind == .decoder)
    {
      throw metadata.error(
        causal, "expected \(schema.kind == .decoder), found \(value.text)", kind: .unsupported)
    }
    let kinds: [GGUFTokenizerKind] = [.wordPiece, .unigram]
    if schema.kind == .encoder, let model = try metadata.string("tokenizer.ggml.model"),
      !kinds.map(\.rawValue).contains(model)
    {
      throw metadata.error(
        "tokenizer.ggml.model",
        "expected \(GGUFTokenizerKind.words(kinds)), found \(quoted(model))", kind: .unsupported)
    }
    try checkHeadSizes()
  }

  /// Keys, values and RoPE must agree on the size of a head.
  private func checkHeadSizes() throws(FormatError) {
    guard schema.block.positions == "rotary" else { return }
    let keys = ["attention.key_length", "attention.value_length", "rope.dimension_count"]
    var size: (key: String, value: Int)?
    if let heads = try metadata.integer("\(architecture).attention.head_count"), heads > 0,
      let width = try metadata.integer("\(architecture).embedding_length"),
      metadata.header["\(architecture).attention.key_length"] == nil
    {
      size = ("\(architecture).embedding_length", width / heads)
    }
    for key in keys.map({ "\(architecture).\($0)" }) {
      guard let value = try metadata.integer(key) else { continue }
      if let size, size.value != value {
        throw metadata.error(
          key, "expected \(size.value), the size of a head by '\(size.key)', found \(value)",
          kind: .unsupported)
      }
      size = (key, value)
    }
  }
}
