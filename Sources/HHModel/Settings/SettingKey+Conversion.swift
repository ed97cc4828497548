// Settings of a conversion, which several floors find fault with.

package import HHFormat

extension SettingKey {
  /// Whether weights that are no numbers are converted.
  static let allowNonfinite = SettingKey(option: "allow-nonfinite")
  /// What a conversion does, in order.
  package static let stages = SettingKey(key: "stages", option: "stages")
}
