// Settings of files, which errors about them speak of.

extension SettingKey {
  /// The model that a delta, an adapter or a quantised export belongs to.
  package static let base = SettingKey(option: "base")
  /// A configuration in place of the one beside the checkpoint.
  package static let configuration = SettingKey(option: "config")
  /// The element type of what is written.
  package static let dtype = SettingKey(option: "dtype")
  /// Whether an output that exists is replaced.
  package static let force = SettingKey(option: "force")
  /// Bytes that an artifact may unpack to.
  package static let maximumUnpacked = SettingKey(option: "max-unpacked")
  /// Bytes of one file of several.
  package static let shardSize = SettingKey(option: "shard-size")
  /// The tokenizer in place of the one beside the checkpoint.
  package static let tokenizer = SettingKey(option: "tokenizer")
}
