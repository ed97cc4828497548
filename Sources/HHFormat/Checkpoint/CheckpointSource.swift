// From the path that a user gives to the files of a checkpoint.

/// Which file of a checkpoint to read.
struct CheckpointSource {
  /// What holds the tensors.
  enum Content: Equatable {
    case file(String)
    case index(String)
  }

  /// The folder of the content, as the user's path names it.
  let directory: String
  /// What holds the tensors.
  let content: Content

  /// Finds the checkpoint that `path` names: a file, an index or a folder with one of these.
  static func locate(_ path: String) throws(FormatError) -> CheckpointSource {
    switch try PathKind(of: path) {
    case .directory:
      return CheckpointSource(directory: path, content: try content(ofFolder: path))
    case .regularFile:
      let folder = HHFormat.directory(of: path)
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
    let candidates = names.filter { $0.hasSuffix(".safetensors") }
    if candidates.count == 1, let only = candidates.first {
      let file = join(path, only)
      try refuseSingleShard(file)
      return .file(file)
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
      if let format = ForeignFormat(of: mapped.bytes) { throw format.error(file: file) }
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
    [".bin", ".pt", ".pth", ".ckpt", ".h5"].contains { name.hasSuffix($0) }
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
    if let total = shardTotal(name), total > 1 {
      throw FormatError(
        .badData, file: path,
        problem: "expected a whole checkpoint, found one of \(total) shards by its name",
        hint: "put 'model.safetensors.index.json' and the other shards beside it and pass the index"
      )
    }
  }

  /// The total in a name such as `model-00001-of-00005.safetensors`, or nil.
  static func shardTotal(_ name: String) -> Int? {
    let parts = name.dropLast(".safetensors".count).split(separator: "-")
    guard name.hasSuffix(".safetensors"), parts.count >= 3, parts[parts.count - 2] == "of",
      let number = parts.dropLast(2).last, number.count == 5, Int(number) != nil,
      let total = parts.last, total.count == 5
    else { return nil }
    return Int(total)
  }
}
