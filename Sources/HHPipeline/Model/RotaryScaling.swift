// Rotary frequencies with the scalings that Llama checkpoints use.

internal import Glibc
internal import HHFormat

extension Rotary {
  /// Builds the frequencies θ^(−2i/d) of a head of `headSize` and applies the configured scaling:
  /// `linear` divides all of them; `llama3` divides the slow ones and blends in between.
  ///
  /// An unknown scaling is an error: ignoring it would convert another model than the user's.
  init(headSize: Int, base: Double, scaling: JSONValue?, file: String) throws(FormatError) {
    var frequencies = (0..<headSize / 2).map { pow(base, -2 * Double($0) / Double(headSize)) }
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
      let factor = try number("factor")
      let low = try number("low_freq_factor")
      let high = try number("high_freq_factor")
      let original = try number("original_max_position_embeddings")
      guard low < high else {
        throw FormatError(
          .badData, file: file, place: "key 'rope_scaling.high_freq_factor'",
          problem: "expected more than low_freq_factor \(low), found \(high)")
      }
      frequencies = frequencies.map { frequency in
        let wavelength = 2 * Double.pi / frequency
        if wavelength < original / high { return frequency }
        if wavelength > original / low { return frequency / factor }
        let blend = (original / wavelength - low) / (high - low)
        return (1 - blend) * frequency / factor + blend * frequency
      }
    default:
      throw FormatError(
        .unsupported, file: file, place: "key 'rope_scaling.rope_type'",
        problem: "expected default, linear or llama3, found '\(type)'")
    }
    self.frequencies = frequencies
  }
}
