// Settings of data, which several floors find fault with.

package import HHFormat

extension SettingKey {
  /// Rows to train on.
  package static let data = SettingKey(key: "data", option: "data")
  /// Rows to measure on.
  package static let heldOut = SettingKey(key: "held_out", option: "held-out")
  /// Names of the columns that hold the texts of both.
  package static let columns = SettingKey(key: "columns", option: "column")
  /// Tokens per row.
  package static let length = SettingKey(key: "length", option: "length")
  /// The columns of a table that hold texts.
  static let column = SettingKey(option: "column")
  /// The template of a conversation.
  static let template = SettingKey(option: "template")
  /// What is said before a conversation.
  package static let system = SettingKey(option: "system")
  /// What a model is measured on.
  static let task = SettingKey(key: "task", option: "task")
}
