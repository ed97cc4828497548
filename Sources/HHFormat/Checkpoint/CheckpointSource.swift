// From the path that a user gives to the files of a checkpoint.

internal import Glibc

/// Which file of a checkpoint to read.
struct CheckpointSource {
  /// What holds the tensors.
  enum Content: Equatable {
    case file(String)
    case index(String)
    /// The shards of a checkpoint without an index.
    case shards([String])
    /// The folder of a PEFT adapter.
    case adapter(String)
  }

  /// The folder of the content, as the user's path names it.
  let directory: String
  /// What holds the tensors.
  let content: Content

  /// Finds the checkpoint that `path` names: a file, an index or a folder with one of these, or a
  /// model of the Hugging Face hub that `cache` holds.
  static func locate(
    _ path: String, cache: HubCache = HubCache()
  ) throws(FormatError) -> CheckpointSource {
    if HubCache.isName(path), isMissing(path) {
      if let snapshot = cache.snapshot(of: path) { return try locate(snapshot, cache: cache) }
      if path.contains("/") { throw notDownloaded(path) }
    }
    switch try PathKind(of: path) {
    case .directory:
      return CheckpointSource(directory: path, content: try content(ofFolder: path))
    case .regularFile:
      let folder = HHFormat.directory(of: path)
      let files = [AdapterConfiguration.fileName, AdapterConfiguration.weightsName]
      if files.contains(lastComponent(of: path)) {
        return CheckpointSource(directory: folder, content: .adapter(folder))
      }
      if path.hasSuffix(".json") {
        return CheckpointSource(directory: folder, content: .index(path))
      }
      try refuseSingleShard(path)
      return CheckpointSource(directory: folder, content: .file(path))
    case .other(let kind):
      throw FormatError(.badData, file: path, problem: "expected a file or folder, found \(kind)")
    }
  }

  /// The configuration that the user gave, else the `config.json` beside the content, else nil.
  func configuration(orGiven given: String?) throws(FormatError) -> String? {
    if let given { return given }
    guard try directoryEntries(of: directory).contains("config.json") else { return nil }
    return join(directory, "config.json")
  }

  private static func content(ofFolder path: String) throws(FormatError) -> Content {
    let names = try directoryEntries(of: path)
    let index = "model.safetensors.index.json"
    if names.contains(index) { return .index(join(path, index)) }
    if names.contains("model.safetensors") { return .file(join(path, "model.safetensors")) }
    if names.contains(AdapterConfiguration.fileName) { return .adapter(path) }
    let candidates = names.filter { $0.hasSuffix(".safetensors") }
    if candidates.count == 1, let only = candidates.first {
      let file = join(path, only)
      try refuseSingleShard(file)
      return .file(file)
    }
    if let shards = try ShardNames.set(among: candidates, in: path) {
      return .shards(shards.map { join(path, $0) })
    }
    let wanted = "expected '\(index)', 'model.safetensors' or exactly one .safetensors file"
    if candidates.isEmpty, let file = try gguf(among: names, of: path) { return .file(file) }
    guard candidates.isEmpty else {
      throw FormatError(
        .badData, file: path, problem: "\(wanted), found \(list(candidates))",
        hint: "pass the file or its index instead of the folder")
    }
    // Weights of another kind get the advice that fits them; anything else only a list.
    if let other = names.first(where: { isForeign($0) }) {
      let file = join(path, other)
      let mapped = try MappedFile(at: file)
      if let format = ForeignFormat(of: mapped.bytes, name: other) {
        throw format.error(file: file)
      }
    }
    throw FormatError(
      .missingInput, file: path,
      problem: "\(wanted), found " + (names.isEmpty ? "an empty folder" : list(names)))
  }

  /// The only GGUF file of a folder, or the first of the only set of them; nil where there is none.
  private static func gguf(among names: [String], of path: String) throws(FormatError) -> String? {
    let candidates = names.filter { $0.hasSuffix(".gguf") }
    let starts = candidates.filter { GGUFPartName($0).map { $0.number == 1 } ?? true }
    guard let first = starts.first ?? candidates.first else { return nil }
    guard starts.count <= 1 else {
      throw FormatError(
        .badData, file: path,
        problem: "expected one model, found \(list(starts))",
        hint: "pass the file instead of the folder")
    }
    return join(path, first)
  }

  private static func isForeign(_ name: String) -> Bool {
    ForeignFormat.endings.contains { name.hasSuffix($0) } || name.contains(".ckpt.")
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { quoted($0) }.joined(separator: ", ")
    return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
  }

  /// Refuses a file that holds only a part of a checkpoint: alone it would convert, wrongly.
  private static func refuseSingleShard(_ path: String) throws(FormatError) {
    let folder = HHFormat.directory(of: path)
    let name = lastComponent(of: path)
    for index in try directoryEntries(of: folder) where index.hasSuffix(".safetensors.index.json") {
      let shards = try ShardIndex(at: join(folder, index)).fileNames
      guard shards.count > 1, shards.contains(name) else { continue }
      throw FormatError(
        .badData, file: path,
        problem: "expected a whole checkpoint, found one of the \(shards.count) shards of "
          + quoted(index),
        hint: "pass '\(join(folder, index))' instead")
    }
    if let shard = ShardNames(name), shard.total > 1 {
      let isWhole = try ShardNames.set(among: directoryEntries(of: folder), in: folder) != nil
      throw FormatError(
        .badData, file: path,
        problem: "expected a whole checkpoint, found one of \(shard.total) shards by its name",
        hint: isWhole
          ? "pass the folder instead"
          : "put 'model.safetensors.index.json' and the other shards beside it and pass the index")
    }
  }

  private static func isMissing(_ path: String) -> Bool {
    do {
      _ = try PathKind(of: path)
      return false
    } catch {
      return error.kind == .missingInput
    }
  }

  private static func notDownloaded(_ name: String) -> FormatError {
    FormatError(
      .missingInput, file: name,
      problem: "cannot be opened: \(systemMessage(ENOENT)), nor a downloaded model of that name",
      hint: "if it is a model on the Hugging Face hub, 'hf download \(name)' fetches it")
  }
}
