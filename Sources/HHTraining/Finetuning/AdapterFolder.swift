// Adapters as PEFT keeps them, so that `peft` loads them onto the model that they were trained on.

internal import HHCompute
internal import HHData
package import HHFormat

/// A folder with `adapter_model.safetensors` and `adapter_config.json`, the layout of PEFT 0.21.
///
/// Modules are named as transformers names those of a model that is loaded with its head. The
/// artifact holds the same adapters merged into its weights.
package struct AdapterFolder {
  /// The adapters, in the order of the model.
  let adapters: [LowRankAdapter]
  let settings: LowRankSettings
  let names: NameMap
  /// The model that the adapters belong to, as PEFT would load it.
  let model: String

  /// Takes every member as it is.
  package init(
    adapters: [LowRankAdapter], settings: LowRankSettings, names: NameMap, model: String
  ) {
    self.adapters = adapters
    self.settings = settings
    self.names = names
    self.model = model
  }

  /// The names of PEFT's parameters begin with this: its model around LoRA's model around the own.
  private static let stem = "base_model.model."
  private static let weights = "adapter_model.safetensors"

  /// Writes the folder, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - replacing: Whether another one may give way.
  ///   - isResumed: Whether an earlier process may have written the same one.
  /// - Throws: `cannotCreate` where it exists and is not to be replaced, `io`.
  package func write(to path: String, replacing: Bool, isResumed: Bool) throws(FormatError) {
    let isThere = isResumed && isPresent(path)
    let folder = try StagingFolder(for: path, replacing: replacing || isThere)
    let modules = modules
    var tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])] = []
    for (adapter, module) in zip(adapters, modules) {
      for (part, matrix) in [("lora_A", adapter.a), ("lora_B", adapter.b)] {
        let values = matrix.values
        let span = values.span
        // Safe: floats have no padding.
        let bytes = unsafe span.bytes.copied()
        tensors.append(
          ("\(Self.stem)\(module).\(part).weight", .f32, [matrix.rows, matrix.columns], bytes))
      }
    }
    try SafetensorsWriter.write(
      to: folder.path(Self.weights), tensors: tensors, metadata: [("format", "pt")])
    try folder.write(
      Array(JSONValue.object(configuration(modules)).text.utf8), to: "adapter_config.json")
    guard replacing || !isThere else {
      if Self.areSame(folder.path(Self.weights), join(path, Self.weights)) { return }
      throw FormatError(
        .cannotCreate, file: path,
        problem: "expected no folder or this run's adapter, found another",
        remedy: "move it away, or replace it with \(.force)")
    }
    try folder.publish()
  }

  /// Whether two files have the same bytes, as one run's weights have whenever they are written.
  private static func areSame(_ a: String, _ b: String) -> Bool {
    do {
      return try ContentDigest.ofFile(at: a) == ContentDigest.ofFile(at: b)
    } catch {
      return false
    }
  }

  /// The modules that have adapters, by their names in transformers.
  private var modules: [String] {
    let canonical = names.canonicalNames
    return adapters.map { adapter in
      let name = canonical[adapter.role] ?? adapter.role
      return name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    }
  }

  private func configuration(_ modules: [String]) -> JSONObject {
    let task: String? =
      switch names.schema.kind {
      case .decoder: "CAUSAL_LM"
      case .encoder: names.hasHead ? "SEQ_CLS" : "FEATURE_EXTRACTION"
      case .image: nil
      }
    // In some architectures matrices have their inputs in rows.
    let isInputMajor = adapters.first.flatMap { names[$0.role]?.isInputMajor } ?? false
    return [
      "peft_type": .string("LORA"), "task_type": task.map { .string($0) } ?? .null,
      "base_model_name_or_path": .string(model),
      "r": .integer(settings.rank), "lora_alpha": .number(settings.alpha),
      "lora_dropout": .number(settings.dropout), "bias": .string("none"),
      "fan_in_fan_out": .bool(isInputMajor),
      "target_modules": .array(modules.map { .string($0) }), "inference_mode": .bool(true),
    ]
  }
}
