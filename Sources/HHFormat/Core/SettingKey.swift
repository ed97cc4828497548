// The names of a setting, by which errors speak of it.

/// A setting that a user can choose. An error carries the key; whoever shows the error spells it as
/// the user did.
package struct SettingKey: Sendable, Hashable, CustomStringConvertible {
  /// The stage of a recipe that the setting belongs to; nil for those of all stages.
  package let stage: String?
  /// What a recipe calls it, such as `feature_map.dimension`; nil where no recipe has it.
  package let key: String?
  /// What a command line calls it, without hyphens before; nil where no command has it.
  package let option: String?

  /// Names a setting.
  package init(stage: String? = nil, key: String? = nil, option: String? = nil) {
    (self.stage, self.key, self.option) = (stage, key, option)
  }

  /// The name in a recipe, or else on a command line.
  package var description: String { key ?? option ?? "" }
}
