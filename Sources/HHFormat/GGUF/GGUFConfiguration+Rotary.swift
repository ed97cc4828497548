// The RoPE scaling of a GGUF model.

extension GGUFConfiguration {
  /// The model's scaling as `rope_scaling` of a configuration, or nil where it has none.
  ///
  /// Llama 3's scaling has no keys: converters write a tensor `rope_freqs.weight` with the divisor
  /// of each frequency. If the parameters of Llama 3.1 and 3.2 give these numbers, the result is
  /// `llama3` with them. Otherwise it is `frequency_factors`, a type of our own that lists them.
  func rotaryScaling() throws(FormatError) -> JSONObject? {
    let scaling = try scalingOfKeys()
    guard let factors = try frequencyFactors() else { return scaling?.object }
    // llama.cpp applies both; a configuration has no type for that.
    if let scaling {
      throw metadata.error(
        scaling.key,
        "expected no scaling beside tensor 'rope_freqs.weight', found"
          + " \(JSONValue.object(scaling.object).excerpt)",
        kind: .unsupported)
    }
    return try llama3(factors) ?? [
      "rope_type": "frequency_factors",
      "factors": .init(factors),
    ]
  }

  /// The scaling that keys name, with the key of its factor, or nil without scaling. As in
  /// llama.cpp, scaling is linear unless the file names another type, `none` ignores the factor,
  /// and 0 means 1.
  private func scalingOfKeys() throws(FormatError) -> (key: String, object: JSONObject)? {
    let stem = "\(architecture).rope.scaling"
    let type = try metadata.string("\(stem).type") ?? "linear"
    if type == "none" { return nil }
    guard ["linear", "yarn"].contains(type) else {
      throw metadata.error(
        "\(stem).type", "expected none, linear or yarn, found \(quoted(type))", kind: .unsupported)
    }
    // The second key is the older name.
    let keys = ["\(stem).factor", "\(architecture).rope.scale_linear"]
    var given: (key: String, factor: Double)?
    for key in keys where given == nil {
      if let factor = try metadata.number(key) { given = (key, factor) }
    }
    guard let given, given.factor != 0, type == "yarn" || given.factor != 1 else { return nil }
    var object: JSONObject = ["rope_type": .string(type), "factor": .number(given.factor)]
    if type == "yarn" {
      // Other readers take these from the file where it has them; none of them is usual.
      for key in ["attn_factor", "yarn_ext_factor", "yarn_attn_factor", "yarn_log_multiplier"] {
        guard let value = try metadata.number("\(stem).\(key)") else { continue }
        throw metadata.error(
          "\(stem).\(key)", "expected none, the usual value, found \(value)", kind: .unsupported)
      }
      for (key, name) in [("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow")] {
        if let value = try metadata.number("\(stem).\(key)") { object[name] = .number(value) }
      }
      if let length = try metadata.integer("\(stem).original_context_length") {
        object["original_max_position_embeddings"] = .integer(length)
      }
    }
    return (given.key, object)
  }

  private func frequencyFactors() throws(FormatError) -> [Float]? {
    guard let view = views.first(where: { $0.tensor.name == "rope_freqs.weight" }) else {
      return nil
    }
    let file = files[view.file]
    func error(_ problem: String) -> FormatError {
      FormatError(.badData, file: file.path, place: "tensor 'rope_freqs.weight'", problem: problem)
    }
    guard view.tensor.type == .f32, view.tensor.shape.count == 1, view.tensor.elementCount > 0
    else {
      throw error("expected a vector of F32, found shape \(view.tensor.shape)")
    }
    let bytes = file.bytes(of: view.tensor)
    var factors: [Float] = []
    for index in 0..<view.tensor.elementCount {
      let bits = bytes.littleEndian32(at: 4 * index)
      let value = Float(bitPattern: file.header.isBigEndian ? bits.byteSwapped : bits)
      guard value.isFinite, value > 0 else {
        throw error("expected positive numbers, found \(value) at element \(index)")
      }
      factors.append(value)
    }
    return factors
  }

  /// Llama 3's parameters if they give these divisors, else nil. Only the largest divisor is free:
  /// llama.cpp's converter assumes an original length of 8192 and frequency factors of 1 and 4.
  private func llama3(_ factors: [Float]) throws(FormatError) -> JSONObject? {
    let base = try metadata.number("\(architecture).rope.freq_base") ?? 10_000
    let scaling = Llama3Scaling(
      factor: Double(factors.reduce(1) { max($0, $1) }), lowFrequencyFactor: 1,
      highFrequencyFactor: 4, originalLength: 8192)
    let frequencies = Llama3Scaling.frequencies(base: base, count: factors.count)
    for (frequency, factor) in zip(frequencies, factors) {
      let expected = frequency / scaling.scaled(frequency)
      guard abs(expected - Double(factor)) <= 1e-5 * expected else { return nil }
    }
    return [
      "rope_type": "llama3", "factor": .number(scaling.factor),
      "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 8192,
    ]
  }
}
