// The metadata of a GGUF model, made from its hyper-parameters.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import OrderedCollections

/// Collects the keys that say how to run a model.
struct GGUFKeys {
  let names: NameMap
  /// The feature map of a Hedgehog model; nil for a softmax model.
  let linearAttention: LinearAttentionDescription?

  private var schema: ArchitectureSchema { names.schema }
  private var values: Hyperparameters { names.hyperparameters }

  /// What the file calls the architecture.
  var architecture: String {
    linearAttention == nil ? schema.ggufArchitecture : schema.hedgehogArchitecture
  }

  /// Whether only our own reader takes the file. A vision model without a projector is one that no
  /// other program runs.
  var isHedgehogExtension: Bool { linearAttention != nil || schema.kind == .image }

  /// The keys of the architecture.
  ///
  /// Throws `unsupported` for a setting that a GGUF file cannot tell other programs: they would run
  /// another model.
  func architectureKeys() throws(FormatError) -> [GGUFKeyValue] {
    var keys: [GGUFKeyValue] = []
    for key in schema.configuration {
      keys += try self.keys(of: key)
    }
    switch schema.kind {
    case .encoder: keys.append(.bool("\(architecture).attention.causal", false))
    case .image: keys.append(.bool("\(architecture).has_vision_encoder", true))
    case .decoder: break
    }
    if schema.block.positions == "rotary" { keys += try rotaryKeys() }
    return keys + linearAttentionKeys()
  }

  /// Whether only the model's configuration says what a key says: one that is not written, although
  /// the source has it, is a setting that the model no longer has.
  func isDerived(_ key: String) -> Bool {
    // Of our own, none of which another program writes.
    if key.hasPrefix("hh.") { return true }
    // What is the tokenizer's stays the source's.
    guard key.hasPrefix("\(architecture).") else { return false }
    let rest = key.dropFirst(architecture.count + 1)
    return rest.hasPrefix("rope.scaling.") || rest == "rope.scale_linear"
      || rest.hasPrefix("\(LinearAttentionDescription.ggufStem).")
      || schema.configuration.contains { setting in
        (setting.gguf + setting.ggufWritten).contains("{architecture}.\(rest)")
      }
  }

  private func keys(
    of key: ArchitectureSchema.ConfigurationKey
  ) throws(FormatError) -> [GGUFKeyValue] {
    // A head of its own, biases and rotary scaling show in the tensors or have keys apart.
    guard !schema.impliedByTensors.contains(key.name), key.type != .object,
      let value = values.value(key.name), value != .null
    else { return [] }
    let first = key.gguf.first { !$0.hasPrefix("tokenizer.") || key.type == .integer }
    let patterns = [first].compactMap(\.self) + key.ggufWritten
    if patterns.isEmpty { return try ownKeys(of: key, value) }
    return try patterns.map { (pattern) throws(FormatError) in
      try keyValue(pattern.replacing("{architecture}", with: architecture), key.type, value)
    }
  }

  /// A setting without a key: nothing to say where it is the usual one.
  private func ownKeys(
    of key: ArchitectureSchema.ConfigurationKey, _ value: JSONValue
  ) throws(FormatError) -> [GGUFKeyValue] {
    // Ids of tokens are the tokenizer's affair, and shapes tell every other whole number.
    guard key.type != .token, !key.type.isSize, value != key.fallback,
      (value.string, key.fallback.string) != ("gelu_pytorch_tanh", "gelu_new")
    else { return [] }
    guard isHedgehogExtension else {
      throw FormatError(
        .unsupported, file: values.file, place: "key '\(values.key(key.name))'",
        problem: "expected \(key.fallback.text), the only one that a GGUF model of "
          + "\(schema.architecture) can have, found \(value.text)",
        hint: "export to hf or safetensors, which keep the configuration")
    }
    return [try keyValue(key.ownKey, key.type, value)]
  }

  private func keyValue(
    _ name: String, _ type: ArchitectureSchema.ConfigurationKey.ValueType, _ value: JSONValue
  ) throws(FormatError) -> GGUFKeyValue {
    if type == .integer || type == .side || type == .token, let integer = value.integer,
      let size = UInt32(exactly: integer)
    {
      return .uint32(name, size)
    }
    if type == .number, let number = value.double { return .float32(name, Float(number)) }
    if let bool = value.bool { return .bool(name, bool) }
    if let string = value.string { return .string(name, string) }
    throw FormatError(
      .unsupported, file: values.file, place: "key '\(name)'",
      problem: "expected a number, a truth value or a word, found \(value.text)")
  }

  /// The ids of tokens that the configuration names, for a model without a tokenizer. An id outside
  /// the vocabulary, as a default of the architecture may be, says that there is no such token.
  func tokenKeys() -> [GGUFKeyValue] {
    schema.configuration.compactMap { key in
      guard key.type == .token, let name = key.gguf.first,
        let id = values.value(key.name)?.integer,
        (0..<values.integer("vocabularySize")).contains(id)
      else { return nil }
      return .uint32(name, UInt32(truncatingIfNeeded: id))
    }
  }

  /// What turns pixels into what the model was trained on.
  ///
  /// Throws `unsupported` for pixels that are not scaled by 1/255: the format has no key for it.
  func imageKeys(_ files: ModelFiles) throws(FormatError) -> [GGUFKeyValue] {
    let normalization = try ImageNormalization(files, channels: values.integer("channelCount"))
    guard abs(normalization.scale * 255 - 1) < 1e-4 else {
      throw FormatError(
        .unsupported, file: files.path("preprocessor_config.json"),
        place: "key 'rescale_factor'",
        problem: "expected 1/255, the only one that a GGUF model can have, found"
          + " \(normalization.scale)",
        hint: "export to hf or safetensors, which keep the file")
    }
    return [
      .floats(ImageNormalization.ggufMeansKey, normalization.means),
      .floats(ImageNormalization.ggufDeviationsKey, normalization.deviations),
    ]
  }

  // MARK: Rotary positions

  private func rotaryKeys() throws(FormatError) -> [GGUFKeyValue] {
    let scaling = values.value("ropeScaling")
    let type = (scaling?["rope_type"] ?? scaling?["type"])?.string
    guard let factor = scaling?["factor"]?.double else { return [] }
    let stem = "\(architecture).rope.scaling"
    switch type {
    case "linear":
      return [.string("\(stem).type", "linear"), .float32("\(stem).factor", Float(factor))]
    case "yarn":
      let other = [
        "attention_factor", "mscale", "mscale_all_dim", "beta_fast", "beta_slow", "truncate",
      ]
      if let key = other.first(where: { scaling?[$0] ?? .null != .null }) {
        throw unsupported(key, "expected none, since other readers of GGUF take the usual value")
      }
      let length = scaling?["original_max_position_embeddings"]?.integer ?? 0
      return [
        .string("\(stem).type", "yarn"), .float32("\(stem).factor", Float(factor)),
        .uint32("\(stem).original_context_length", UInt32(truncatingIfNeeded: length)),
      ]
    case "longrope":
      throw unsupported(
        "rope_type", "expected a scaling that a GGUF model of this kind can have, found 'longrope'")
    // What lies within the model's positions is not scaled.
    default: return []
    }
  }

  private func unsupported(_ key: String, _ problem: String) -> FormatError {
    FormatError(
      .unsupported, file: values.file, place: "key 'rope_scaling.\(key)'", problem: problem,
      hint: "export to hf or safetensors, which keep the configuration")
  }

  /// The divisors of the rotary frequencies, which a GGUF file has as a tensor where the scaling
  /// is Llama 3's or was a list already; nil for any other.
  func frequencyFactors() throws(FormatError) -> [Float]? {
    guard schema.block.positions == "rotary" else { return nil }
    let scaling = values.value("ropeScaling")
    let (size, base) = (values.integer("headSize"), values.number("ropeBase"))
    // Refuses every scaling that is not known.
    let scaled = try Rotary(headSize: size, base: base, scaling: scaling, file: values.file)
    switch (scaling?["rope_type"] ?? scaling?["type"])?.string {
    case "frequency_factors":
      return scaling?["factors"]?.array?.compactMap { $0.double.map { Float($0) } }
    case "llama3":
      let plain = Llama3Scaling.frequencies(base: base, count: size / 2)
      return zip(plain, scaled.frequencies).map { Float($0 / $1) }
    default: return nil
    }
  }

  // MARK: Feature map

  private func linearAttentionKeys() -> [GGUFKeyValue] {
    guard let map = linearAttention else { return [] }
    let stem = "\(architecture).\(LinearAttentionDescription.ggufStem)"
    return LinearAttentionDescription.fields.compactMap { $0.keyValue(of: map, stem: stem) }
  }
}

extension ArchitectureSchema.ConfigurationKey.ValueType {
  /// Whether the value is an extent of tensors.
  fileprivate var isSize: Bool { self == .integer || self == .side }
}
