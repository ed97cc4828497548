// Rotary frequencies with the scalings that checkpoints use.

internal import Glibc
package import HHFormat

extension Rotary {
  /// Builds the frequencies θ^(−2i/d) of a head of `headSize` and applies the configured scaling:
  /// `linear` divides all of them; `llama3` divides the slow ones and blends in between, and so does
  /// `yarn`, which scales attention too; `longrope` divides each by one of `short_factor`; `dynamic`
  /// changes only what lies beyond the model's positions; `frequency_factors`, our own, divides each
  /// by one of `factors`, as GGUF files store them.
  ///
  /// An unknown scaling is an error: ignoring it would convert another model than the user's.
  package init(headSize: Int, base: Double, scaling: JSONValue?, file: String) throws(FormatError) {
    let plain = Llama3Scaling.frequencies(base: base, count: headSize / 2)
    let settings = RotarySettings(scaling, file: file)
    switch settings.type {
    case "default": self.init(frequencies: plain)
    case "linear":
      let factor = try settings.number("factor")
      self.init(frequencies: plain.map { $0 / factor })
    case "dynamic":
      _ = try settings.number("factor")
      self.init(frequencies: plain, lengthLimit: try settings.originalLength)
    case "llama3":
      let llama3 = try settings.llama3
      self.init(frequencies: plain.map { llama3.scaled($0) })
    case "yarn":
      let yarn = try YarnScaling(settings, headSize: headSize, base: base)
      self.init(frequencies: yarn.scaled(plain), scale: yarn.attentionFactor)
    case "longrope":
      let short = try settings.factors("short_factor", count: plain.count)
      let long = try settings.factors("long_factor", count: plain.count)
      let length = try settings.originalLength
      let factor = try settings.number("factor")
      let usual = factor > 1 ? (1 + log(factor) / log(Double(length))).squareRoot() : 1
      // A longer sequence turns by the other factors from its start on, which no state follows.
      self.init(
        frequencies: zip(plain, short).map { $0 / $1 },
        scale: Float(try settings.optionalNumber("attention_factor") ?? usual),
        lengthLimit: short == long ? nil : length)
    case "frequency_factors":
      let factors = try settings.factors("factors", count: plain.count)
      self.init(frequencies: zip(plain, factors).map { $0 / $1 })
    default:
      throw FormatError(
        .unsupported, file: file, place: "key 'rope_scaling.rope_type'",
        problem: "expected default, linear, dynamic, llama3, yarn or longrope, found"
          + " \(quoted(settings.type))")
    }
  }
}

/// The settings of one scaling, checked as they are asked for.
struct RotarySettings {
  /// The kind of scaling.
  let type: String
  private let scaling: JSONValue?
  private let file: String

  init(_ scaling: JSONValue?, file: String) {
    let given = scaling?["rope_type"] ?? scaling?["type"] ?? .null
    type = given == .null ? "default" : given.string ?? given.text
    self.scaling = scaling
    self.file = file
  }

  /// A positive number that must be there.
  func number(_ key: String) throws(FormatError) -> Double {
    guard let number = try optionalNumber(key) else { throw expected("a positive number", key) }
    return number
  }

  /// A positive number, or nil where there is none.
  func optionalNumber(_ key: String) throws(FormatError) -> Double? {
    guard let value = scaling?[key], value != .null else { return nil }
    guard let number = value.double, number > 0, number.isFinite else {
      throw expected("a positive number", key)
    }
    return number
  }

  /// A truth value, or the usual one.
  func bool(_ key: String, usual: Bool) throws(FormatError) -> Bool {
    guard let value = scaling?[key], value != .null else { return usual }
    guard let bool = value.bool else { throw expected("true or false", key) }
    return bool
  }

  /// So many positive numbers.
  func factors(_ key: String, count: Int) throws(FormatError) -> [Double] {
    let given = scaling?[key]?.array ?? []
    let factors = given.compactMap(\.double)
    guard factors.count == count, given.count == count, factors.allSatisfy({ $0 > 0 }) else {
      throw problem(key, "expected \(count) positive numbers, found \(given.count)")
    }
    return factors
  }

  /// Positions that the model had before the scaling.
  var originalLength: Int {
    get throws(FormatError) {
      let key = "original_max_position_embeddings"
      guard let length = scaling?[key]?.integer, length > 1 else {
        throw expected("a whole number above 1", key)
      }
      return length
    }
  }

  /// The parameters of Llama 3's scaling.
  var llama3: Llama3Scaling {
    get throws(FormatError) {
      let (low, high) = (try number("low_freq_factor"), try number("high_freq_factor"))
      guard low < high else {
        throw problem(
          "high_freq_factor", "expected more than low_freq_factor \(low), found \(high)")
      }
      return Llama3Scaling(
        factor: try number("factor"), lowFrequencyFactor: low, highFrequencyFactor: high,
        originalLength: try number("original_max_position_embeddings"))
    }
  }

  private func expected(_ what: String, _ key: String) -> FormatError {
    problem(
      key,
      "expected \(what) for rope type \(quoted(type)), found \(scaling?[key].map(\.excerpt) ?? "none")"
    )
  }

  private func problem(_ key: String, _ text: String) -> FormatError {
    FormatError(.badData, file: file, place: "key 'rope_scaling.\(key)'", problem: text)
  }
}
