// Finding every checkpoint below a folder.

/// The checkpoints below a folder: each path is one that `Checkpoint(opening:)` takes.
///
/// The result follows from the names in the folders alone, in byte order, so that every process
/// that looks at the same tree finds the same list.
package enum CheckpointSearch {
  /// Every checkpoint in a folder and the folders in it.
  ///
  /// A folder with `config.json` and one safetensors model is one checkpoint. Elsewhere each index,
  /// each safetensors file that is no shard and each GGUF file or set of them is one; GGUF files
  /// are so beside a safetensors model too. Hidden files and folders, adapters and artifacts are
  /// passed over, and a folder is entered once, whatever links lead to it.
  package static func checkpoints(below folder: String) throws(FormatError) -> [String] {
    var entered: Set<String> = []
    var found: [String] = []
    try search(folder, entered: &entered, found: &found)
    return found
  }

  private static func search(
    _ folder: String, entered: inout Set<String>, found: inout [String]
  ) throws(FormatError) {
    guard entered.insert(try resolvedPath(folder)).inserted else { return }
    var files: [String] = []
    var folders: [String] = []
    for name in try directoryEntries(of: folder) where !name.hasPrefix(".") {
      guard let kind = try kind(of: join(folder, name)) else { continue }
      switch kind {
      case .regularFile: files.append(name)
      case .directory: folders.append(name)
      case .other: break
      }
    }
    found += checkpoints(among: files, in: folder)
    for name in folders { try search(join(folder, name), entered: &entered, found: &found) }
  }

  /// What a path names; nil for a link that leads nowhere.
  private static func kind(of path: String) throws(FormatError) -> PathKind? {
    do {
      return try PathKind(of: path)
    } catch  where error.kind == .missingInput {
      return nil
    }
  }

  private static func checkpoints(among files: [String], in folder: String) -> [String] {
    let indexes = files.filter { $0.hasSuffix(".safetensors.index.json") }
    let weights = files.filter {
      $0.hasSuffix(".safetensors") && ShardNames($0).map(\.total) ?? 1 == 1
        && $0 != "adapter_model.safetensors"
    }
    let shards = files.filter { ShardNames($0).map { $0.total > 1 } ?? false }
    let isModel =
      (indexes.isEmpty && weights.isEmpty && !shards.isEmpty)
      || indexes.contains("model.safetensors.index.json") || weights.contains("model.safetensors")
      || (indexes.isEmpty && weights.count == 1)
    let models =
      files.contains("config.json") && isModel
      ? [folder] : (indexes + weights).map { join(folder, $0) }
    let parts = files.filter { name in
      name.hasSuffix(".gguf") && GGUFPartName(name).map { $0.number == 1 } ?? true
    }
    return models + parts.map { join(folder, $0) }
  }
}
