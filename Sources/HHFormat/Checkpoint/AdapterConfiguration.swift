// What a PEFT adapter says of itself: `adapter_config.json`.

internal import Glibc

/// The settings of a LoRA adapter, checked: whatever would make another model is refused by name.
/// `fan_in_fan_out` is passed over: as in PEFT the layer itself decides which way its matrix lies.
struct AdapterConfiguration {
  /// The file's name in the folder of an adapter.
  static let fileName = "adapter_config.json"
  /// The name of the adapter's weights.
  static let weightsName = "adapter_model.safetensors"

  /// The file.
  let path: String
  /// The model that the adapter was trained on, as its author called it.
  let baseName: String?
  /// The task that PEFT trained for, such as `SEQ_CLS`.
  let task: String?
  private let settings: JSONObject

  /// Reads and checks the settings.
  init(inFolder folder: String) throws(FormatError) {
    path = join(folder, Self.fileName)
    settings = try JSONObject(contentsOf: path)
    baseName = settings["base_model_name_or_path"]?.string
    task = settings["task_type"]?.string
    try checkKind()
  }

  /// What is said of an adapter without the model that it was trained on.
  var needsBase: FormatError {
    let name = baseName.map { " of \(quoted($0))" } ?? ""
    return FormatError(
      .missingInput, file: path,
      problem: "expected the model that this adapter changes, found an"
        + " adapter\(name) alone",
      remedy: "pass the model with \(.base)")
  }

  private func unsupported(_ key: String, _ expected: String) -> FormatError {
    FormatError(
      .unsupported, file: path, place: "key '\(key)'",
      problem: "expected \(expected), found \(settings[key].map(\.excerpt) ?? "none")",
      hint: "merge the adapter with PEFT's merge_and_unload, and convert what it saves")
  }

  private func checkKind() throws(FormatError) {
    guard settings["peft_type"]?.string == "LORA" else { throw unsupported("peft_type", "LORA") }
    // Each of these computes something else than W + scale · BA with the file's matrices.
    for key in ["use_dora", "lora_bias", "use_qalora", "use_bdlora"] {
      guard settings[key]?.bool ?? false else { continue }
      throw unsupported(key, "false, plain LoRA")
    }
    let others = [
      "layer_replication", "trainable_token_indices", "target_parameters", "arrow_config",
      "alora_invocation_tokens", "corda_config", "lora_ga_config", "velora_config", "loftq_config",
      "kasa_config", "monteclora_config",
    ]
    for key in others {
      switch settings[key] ?? .null {
      case .null: continue
      case .object(let value) where value.count == 0: continue
      case .array(let value) where value.isEmpty: continue
      default: throw unsupported(key, "none, plain LoRA")
      }
    }
    // Starts that change the base model's own weights.
    switch settings["init_lora_weights"] ?? .null {
    case .null, .bool, .string("gaussian"), .string("eva"), .string("orthogonal"): break
    default: throw unsupported("init_lora_weights", "a start that leaves the model's weights alone")
    }
  }

  /// The factor of BA for a module, and the rank that its matrices must have.
  func scaling(of module: String) throws(FormatError) -> (factor: Float, rank: Int) {
    let rank = try value("r", "rank_pattern", module)
    let alpha = try value("lora_alpha", "alpha_pattern", module)
    guard let rank = rank.integer, (1...65_536).contains(rank) else {
      throw unsupported("r", "a rank from 1 to 65536")
    }
    guard let alpha = alpha.double, alpha.isFinite else {
      throw unsupported("lora_alpha", "a number")
    }
    let divisor = settings["use_rslora"]?.bool ?? false ? Double(rank).squareRoot() : Double(rank)
    return (Float(alpha / divisor), rank)
  }

  /// The value of a key for a module, which a pattern may give another than all others have.
  private func value(
    _ key: String, _ patternKey: String, _ module: String
  ) throws(FormatError) -> JSONValue {
    for (pattern, value) in settings[patternKey]?.object?.pairs ?? [] {
      guard pattern.utf8.allSatisfy({ $0 == 0x2E || $0 == 0x5F || isalnum(Int32($0)) != 0 }) else {
        throw unsupported(patternKey, "names of modules")
      }
      if module == pattern || module.hasSuffix(".\(pattern)") { return value }
    }
    return settings[key] ?? .null
  }
}
