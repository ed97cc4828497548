// The config.json of an exported model.

internal import HHData
internal import HHFormat
internal import HHModel

/// The source's configuration, and for a Hedgehog model what its code needs to know.
struct HuggingFaceConfiguration {
  let source: ExportSource
  /// The type that the source's floats were converted to, or nil.
  let type: DType?
  /// The tokens of the tokenizer that is written beside it; nil where the source has its own.
  let special: SpecialTokens?

  /// Parts that not every model of an architecture has, by the role that shows them.
  private static let modules = [
    ("pooler.weight", "pooler"), ("masked.decoder.bias", "decoder_bias"),
    ("nextSentence.weight", "next_sentence"), ("embedding.mask", "mask_token"),
  ]

  private var schema: ArchitectureSchema { source.names.schema }
  private var heads: [ArchitectureSchema.Head] {
    // A classifier is the model's only head, even where the configuration ties another.
    if let head = source.names.head, head.isClassifier { return [head] }
    // A tied head is stored nowhere, and yet there.
    return schema.heads.filter { source.names[$0.role] != nil }
  }

  /// The source's configuration without what names code of its own, and what that was.
  private var given: (settings: JSONObject, places: [String]) {
    ForeignCode.removed(from: source.checkpoint.configuration ?? [:])
  }

  /// Members of the source's configuration that are left out because they name code.
  var leftOut: [String] { given.places }

  /// The configuration of the model that is exported.
  var json: JSONObject {
    source.isHedgehog ? withTokens(hedgehog(given.settings)) : softmaxJSON
  }

  /// The configuration of the softmax model, whichever is exported.
  var softmaxJSON: JSONObject { withTokens(softmax(given.settings)) }

  private func withTokens(_ configuration: JSONObject) -> JSONObject {
    let given = given.settings
    var result = configuration
    for (key, id) in [
      ("bos_token_id", special?.bos), ("eos_token_id", special?.ends.first),
      ("pad_token_id", special?.padding),
    ] {
      if let id, given[key] == nil { result[key] = .integer(Int(id)) }
    }
    return result
  }

  private func softmax(_ given: JSONObject) -> JSONObject {
    // What transformers wrote needs nothing; what came from GGUF or by hand may.
    var result = given["architectures"] == nil ? source.names.completed(given) : given
    if given["model_type"] == nil { result["model_type"] = .string(schema.architecture) }
    if given["architectures"] == nil {
      result["architectures"] = .array([.string(schema.className(heads.first))])
    }
    return typed(result)
  }

  private func hedgehog(_ given: JSONObject) -> JSONObject {
    let stem = "modeling_hedgehog.Hedgehog\(schema.classPrefix)"
    var loaders: JSONObject = [
      "AutoConfig": .string("\(stem)Config"), "AutoModel": .string("\(stem)Model"),
    ]
    for head in heads { loaders[head.loader] = .string(stem + head.suffix) }
    var result: JSONObject = [
      // Another type than the source's: without our code it must not load as a softmax model.
      "model_type": .string("hedgehog_\(schema.architecture)"),
      "architectures": .array([.string("Hedgehog\(schema.className(heads.first))")]),
      "auto_map": .object(loaders),
    ]
    for (key, value) in source.names.completed(given).pairs where result[key] == nil {
      result[key] = value
    }
    result["hedgehog"] = .object(settings)
    return typed(result)
  }

  private var settings: JSONObject {
    let map =
      source.linearAttention
      ?? LinearAttentionSettings().description(plan: source.plan ?? RewritePlan(blocks: []))
    let fields = LinearAttentionDescription.fields
    var settings: JSONObject = ["source_model_type": .string(schema.architecture)]
    for field in fields where !field.isOptional { field.write(map, to: &settings) }
    settings["modules"] = .array(
      Self.modules.filter { source.names.holds($0.0) }.map { .string($0.1) })
    for field in fields where field.isOptional { field.write(map, to: &settings) }
    // By this the way back knows the artifact again.
    settings[Checkpoint.artifactKey] = source.manifest.map { .string($0.digest) }
    return settings
  }

  /// With the element type of the tensors that are written.
  private func typed(_ configuration: JSONObject) -> JSONObject {
    let key = ["dtype", "torch_dtype"].first { configuration[$0]?.string != nil }
    guard type != nil || key == nil else { return configuration }
    let words: [DType: String] = [
      .f32: "float32", .f16: "float16", .bf16: "bfloat16", .f64: "float64",
    ]
    let stored = type ?? source.names.entries.first { $0.tensor.dtype.isComputable }?.tensor.dtype
    guard let word = stored.flatMap({ words[$0] }) else { return configuration }
    var result = configuration
    result[key ?? "dtype"] = .string(word)
    return result
  }
}
