// Weights that were quantised for another program, told apart by configuration and tensors.

/// Refuses quantised weights by the name of their method.
struct QuantizedWeights {
  let configuration: JSONObject?
  /// The configuration's path, or the checkpoint's.
  let file: String

  /// Throws `unsupported` where the configuration or a tensor shows that weights are quantised.
  func refuse(_ tensors: some Sequence<TensorDescriptor>) throws(FormatError) {
    if let (key, method) = declared() {
      throw error("key '\(key)'", method)
    }
    for tensor in tensors {
      if let method = Self.method(of: tensor) {
        throw error("tensor \(quoted(tensor.name))", method)
      }
    }
  }

  private func error(_ place: String, _ method: String) -> FormatError {
    FormatError(
      .unsupported, file: file, place: place,
      problem: "expected weights in F32, F16, BF16 or F64, found weights quantised by \(method)",
      hint:
        "take the model that was quantised, or dequantise it with the program that quantised it;"
        + " of quantised weights, those of GGUF files are read")
  }

  /// What the configuration says; keys of transformers and of MLX.
  private func declared() -> (key: String, method: String)? {
    for key in ["quantization_config", "quantization", "compression_config"] {
      guard let value = configuration?[key], let settings = value.object, settings.count > 0 else {
        continue
      }
      if let method = settings["quant_method"]?.string { return (key, Self.name(of: method)) }
      if settings["load_in_4bit"] == .bool(true) || settings["load_in_8bit"] == .bool(true) {
        return (key, "bitsandbytes")
      }
      if settings["group_size"] != nil, settings["bits"] != nil { return (key, "MLX") }
      return (key, value.excerpt)
    }
    return nil
  }

  private static func name(of method: String) -> String {
    let names = ["gptq": "GPTQ", "awq": "AWQ", "fp8": "FP8", "fbgemm_fp8": "FP8 (FBGEMM)"]
    let word = method.split(separator: ".").last.map(String.init) ?? method
    return names[word.lowercased()] ?? quoted(method)
  }

  /// The method whose files have such a tensor, or nil.
  private static func method(of tensor: TensorDescriptor) -> String? {
    let name = tensor.name
    switch tensor.dtype {
    case .f8E4M3, .f8E5M2, .f8E4M3FNUZ, .f8E5M2FNUZ: if name.hasSuffix("weight") { return "FP8" }
    case .u8:
      if name.hasSuffix(".quant_map") || name.hasSuffix(".absmax")
        || name.contains(".quant_state.bitsandbytes")
      {
        return "bitsandbytes"
      }
    case .i32:
      if name.hasSuffix(".qweight") || name.hasSuffix(".qzeros") { return "GPTQ or AWQ" }
      if name.hasSuffix(".weight_packed") { return "compressed-tensors" }
    case .u32: if name.hasSuffix(".weight") { return "MLX" }
    default: if name.hasSuffix(".SCB") { return "bitsandbytes" }
    }
    return name.hasSuffix(".weight_scale_inv") ? "FP8" : nil
  }
}
