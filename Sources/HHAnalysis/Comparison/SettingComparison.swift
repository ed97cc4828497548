// Which settings of two models' configurations make them different models.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// A setting that differs.
package struct SettingDifference: Sendable, Equatable {
  /// The setting: a hyper-parameter in the schema's words.
  package let name: String
  /// The first model's value, as JSON.
  package let first: String
  /// The second model's value, as JSON.
  package let second: String
}

extension SettingDifference {
  /// Every setting in which two models of one architecture differ.
  ///
  /// Token ids are passed over, because no weight depends on them, and so is whether the head is
  /// tied: the head's weights are compared themselves. Numbers are equal where they are the same
  /// float32, the precision in which they are used and GGUF keeps them.
  static func all(_ first: NameMap, _ second: NameMap) -> [SettingDifference] {
    first.schema.configuration.compactMap { key in
      guard key.type != .token, key.name != "tiedHead" else { return nil }
      let a = first.hyperparameters.value(key.name) ?? .null
      let b = second.hyperparameters.value(key.name) ?? .null
      let isEqual =
        switch key.type {
        case .number: a.double.map { Float($0) } == b.double.map { Float($0) }
        case .string: meaning(a) == meaning(b)
        case .object: haveSameFrequencies(first, second, a, b)
        case .integer, .side, .token, .boolean: a == b
        }
      return isEqual ? nil : SettingDifference(name: key.name, first: a.text, second: b.text)
    }
  }

  /// What a word says: activations have several spellings.
  private static func meaning(_ value: JSONValue) -> String? {
    value.string.map { Activation(configuration: $0)?.rawValue ?? $0 }
  }

  /// Whether two rotary scalings, which can be written in several ways, give the same frequencies
  /// on the same base: a different base is a difference of its own.
  private static func haveSameFrequencies(
    _ first: NameMap, _ second: NameMap, _ a: JSONValue, _ b: JSONValue
  ) -> Bool {
    if a == b { return true }
    do throws(FormatError) {
      let base = first.hyperparameters.number("ropeBase")
      let size = first.hyperparameters.integer("headSize")
      let one = try Rotary(headSize: size, base: base, scaling: a, file: "")
      let two = try Rotary(headSize: size, base: base, scaling: b, file: "")
      return one.scale == two.scale && one.lengthLimit == two.lengthLimit
        && zip(one.frequencies, two.frequencies).allSatisfy { abs($0 - $1) <= 1e-6 * abs($0) }
    } catch {
      // A scaling that this program does not know is compared as it is written.
      return false
    }
  }

  /// The feature maps of two models, where they are not the same or only one of them has any; nil
  /// too where one of the files does not say what attention its model has.
  static func linearAttention(_ first: Checkpoint, _ second: Checkpoint) -> SettingDifference? {
    guard let a = DeclaredLinearAttention(first), let b = DeclaredLinearAttention(second),
      !a.agrees(with: b)
    else { return nil }
    return SettingDifference(name: "featureMap", first: a.summary, second: b.summary)
  }
}
