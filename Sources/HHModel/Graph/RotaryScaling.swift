// Rotary frequencies with the scalings that Llama checkpoints use.

package import HHFormat

extension Rotary {
  /// Builds the frequencies θ^(−2i/d) of a head of `headSize` and applies the configured scaling:
  /// `linear` divides all of them; `llama3` divides the slow ones and blends in between;
  /// `frequency_factors`, our own, divides each by one of `factors`, as GGUF files store them.
  ///
  /// An unknown scaling is an error: ignoring it would convert another model than the user's.
  package init(headSize: Int, base: Double, scaling: JSONValue?, file: String) throws(FormatError) {
    var frequencies = Llama3Scaling.frequencies(base: base, count: headSize / 2)
    let given = scaling?["rope_type"] ?? scaling?["type"] ?? .null
    let type = given == .null ? "default" : given.string ?? given.text
    func number(_ key: String) throws(FormatError) -> Double {
      guard let value = scaling?[key]?.double, value > 0 else {
        throw FormatError(
          .badData, file: file, place: "key 'rope_scaling.\(key)'",
          problem: "expected a positive number for rope type '\(type)',"
            + " found \(scaling?[key]?.text ?? "none")")
      }
      return value
    }
    switch type {
    case "default": break
    case "linear":
      let factor = try number("factor")
      frequencies = frequencies.map { $0 / factor }
    case "llama3":
      let (low, high) = (try number("low_freq_factor"), try number("high_freq_factor"))
      guard low < high else {
        throw FormatError(
          .badData, file: file, place: "key 'rope_scaling.high_freq_factor'",
          problem: "expected more than low_freq_factor \(low), found \(high)")
      }
      let llama3 = Llama3Scaling(
        factor: try number("factor"), lowFrequencyFactor: low,
        highFrequencyFactor: high,
        originalLength: try number("original_max_position_embeddings"))
      frequencies = frequencies.map { llama3.scaled($0) }
    case "frequency_factors":
      let factors = (scaling?["factors"]?.array ?? []).compactMap(\.double)
      guard factors.count == frequencies.count, factors.allSatisfy({ $0 > 0 }) else {
        throw FormatError(
          .badData, file: file, place: "key 'rope_scaling.factors'",
          problem: "expected \(frequencies.count) positive numbers, found \(factors.count)")
      }
      frequencies = zip(frequencies, factors).map { $0 / $1 }
    default:
      throw FormatError(
        .unsupported, file: file, place: "key 'rope_scaling.rope_type'",
        problem: "expected default, linear or llama3, found '\(type)'")
    }
    self.frequencies = frequencies
  }
}
