// A model that is yet to be trained: its sizes and its first weights.

internal import Glibc
internal import HHCompute
internal import HHData
package import HHFormat

/// The sizes of a new model, under names that all architectures share.
package struct NewModel: Sendable, Equatable {
  /// The architecture's name.
  package var architecture: String
  package var layers = 2
  /// Width of the hidden states.
  package var hidden = 128
  package var heads = 4
  /// Key/value heads; nil for as many as heads.
  package var keyValueHeads: Int?
  /// Width inside the feed-forward blocks; nil for four times the hidden one.
  package var inner: Int?
  /// Token ids; nil for the tokenizer's.
  package var vocabulary: Int?
  /// Longest sequence.
  package var positions = 256
  /// Classes of a classifier; nil for none, which only text has.
  package var classes: Int?
  /// Sides of images and patches, and channels.
  package var image = 28
  package var patch = 4
  package var channels = 1
  /// A folder whose tokenizer and processor files the model gets.
  package var files: String?
  /// Standard deviation of the first weights; nil for the schema's `initializerRange`.
  package var deviation: Double?

  /// Creates a model with the default sizes.
  package init(architecture: String) { self.architecture = architecture }

  /// The head of the schema that the model has.
  private func head(of schema: ArchitectureSchema) -> ArchitectureSchema.Head? {
    schema.heads.first { $0.isClassifier == (classes != nil) }
  }

  /// The model's `config.json`; a tokenizer's size stands in where the model names none, and its
  /// special tokens are the model's.
  func configuration(_ tokenizer: (any Tokenizer)?) throws(FormatError) -> JSONObject {
    let schema = try ArchitectureSchema.named(architecture)
    let isText = schema.kind != .image
    let sizes: [(String, Int?)] = [
      ("layerCount", layers), ("hiddenSize", hidden), ("headCount", heads),
      ("keyValueHeadCount", keyValueHeads ?? heads), ("intermediateSize", inner ?? 4 * hidden),
      ("vocabularySize", isText ? vocabulary ?? tokenizer?.vocabularySize : nil),
      ("maximumPositions", isText ? positions : nil),
      ("imageSize", isText ? nil : image), ("patchSize", isText ? nil : patch),
      ("channelCount", isText ? nil : channels),
    ]
    var object: JSONObject = [
      "model_type": .string(schema.modelTypes.first ?? architecture),
      "initializer_range": .number(deviation ?? schema.initializerRange),
    ]
    for (key, value) in headKeys(schema).pairs { object[key] = value }
    for key in schema.configuration {
      if let size = sizes.first(where: { $0.0 == key.name })?.1, let name = key.keys.first {
        object[name] = .integer(size)
      } else if key.name == "tiedHead", let name = key.keys.first {
        object[name] = .bool(true)
      }
    }
    if isText {
      let special = tokenizer?.special
      for (name, token) in [
        ("bos_token_id", special?.bos), ("eos_token_id", special?.eos),
        ("pad_token_id", special?.padding),
      ] { object[name] = JSONValue(token.map(Int.init)) }
    }
    return object
  }

  /// What a configuration says of the model's class, of its classes and of its weights' type.
  func headKeys(_ schema: ArchitectureSchema) -> JSONObject {
    let name = schema.className(head(of: schema) ?? schema.heads.first)
    var object: JSONObject = [
      "architectures": .array([.string(name)]), "dtype": .string("float32"),
    ]
    guard let classes else { return object }
    var (labels, numbers) = (JSONObject(), JSONObject())
    for label in 0..<classes {
      labels["\(label)"] = .string("LABEL_\(label)")
      numbers["LABEL_\(label)"] = .integer(label)
    }
    (object["id2label"], object["label2id"]) = (.object(labels), .object(numbers))
    return object
  }

  /// Every tensor of the model with its role.
  ///
  /// - Throws: `badData` for sizes that contradict each other.
  func tensors(
    _ configuration: JSONObject, file: String
  ) throws(FormatError) -> [(role: String, tensor: TensorDescriptor)] {
    let schema = try ArchitectureSchema.named(architecture)
    let sizes = try Hyperparameters(
      schema: schema, configuration: configuration, configurationPath: file,
      checkpointPath: file, observed: classes.map { ["labelCount": $0] } ?? [:])
    return try schema.tensors(of: sizes, groups: Set(head(of: schema)?.groups ?? []))
  }

  /// Number of weights, a floating-point number since sizes can ask for more than memory holds; nil
  /// where nothing says how many token ids there are.
  package func parameterCount() throws(FormatError) -> Double? {
    var tokenizer: (any Tokenizer)?
    if vocabulary == nil, let files { tokenizer = try TokenizerLoader.load(beside: files) }
    let isImage = try ArchitectureSchema.named(architecture).kind == .image
    guard isImage || vocabulary != nil || tokenizer != nil else { return nil }
    return try tensors(try configuration(tokenizer), file: "recipe")
      .reduce(0) { $0 + Double($1.tensor.elementCount) }
  }

  /// The first values of a tensor, as the reference implementations of all architectures draw them:
  /// weights of norms are one, biases zero, all else normal; the products that the schema lists as
  /// residual outputs are smaller by √(2 · layers) (Radford et al. 2019).
  ///
  /// - Throws: `unsupported` for an architecture that is not known.
  func values(role: String, count: Int, seed: UInt64) throws(FormatError) -> FloatBuffer {
    let buffer = FloatBuffer(count: count)
    var values = buffer.mutableSpan
    if role.hasSuffix("bias") { return buffer }
    if role.hasSuffix("orm.weight") {
      for index in values.indices { values[index] = 1 }
      return buffer
    }
    let schema = try ArchitectureSchema.named(architecture)
    var deviation = self.deviation ?? schema.initializerRange
    if schema.residualOutputs.contains(where: role.hasSuffix) {
      deviation /= (2 * Double(layers)).squareRoot()
    }
    var generator = SeededGenerator(seed: seed).split("fresh \(role)")
    for index in values.indices { values[index] = Float(deviation) * generator.normal() }
    return buffer
  }
}
