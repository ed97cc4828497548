// The index of a checkpoint in several files: which file holds which tensor.

/// `model.safetensors.index.json`: `{"metadata": {…}, "weight_map": {tensor: file name}}`.
///
/// `metadata` is informational and passed over. File names come from whoever made the checkpoint,
/// so they are confined to the index's folder.
package struct ShardIndex: Sendable {
  /// A larger index than this is refused.
  package static let maximumByteCount = 100_000_000

  /// The path of the index as given.
  package let path: String
  /// The shards' names relative to the index's folder, in byte order.
  package let fileNames: [String]
  /// For each tensor, in the order of the index, the position of its shard in `fileNames`.
  let placements: [(tensor: String, file: Int)]

  /// Reads and checks an index; the shards themselves are not opened.
  package init(at path: String) throws(FormatError) {
    func error(_ place: String, _ problem: String, hint: String? = nil) -> FormatError {
      FormatError(.badData, file: path, place: place, problem: problem, hint: hint)
    }
    let document = try JSONObject(contentsOf: path, limit: ShardIndex.maximumByteCount)
    guard let map = document["weight_map"] else {
      throw error(
        "key 'weight_map'", "expected an object of file names, found none",
        hint: "an index is called 'model.safetensors.index.json'; pass that, the folder or a "
          + ".safetensors file")
    }
    guard let map = map.object else {
      throw error("key 'weight_map'", "expected an object of file names, found another type")
    }
    guard map.count > 0 else {
      throw error("key 'weight_map'", "expected at least one tensor, found none")
    }
    var positions: [ByteKey: Int] = [:]
    var names: [(tensor: String, file: String)] = []
    names.reserveCapacity(map.count)
    for (tensor, value) in map.pairs {
      guard let name = value.string else {
        throw error("tensor \(quoted(tensor))", "expected a file name, found another type")
      }
      if positions[ByteKey(name)] == nil {
        guard isConfined(name) else {
          throw error(
            "tensor \(quoted(tensor))",
            "expected a file name inside the index's folder, found \(quoted(name))")
        }
        positions[ByteKey(name)] = 0
      }
      names.append((tensor, name))
    }
    let sorted = positions.keys.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
    for (position, name) in sorted.enumerated() { positions[name] = position }
    self.path = path
    fileNames = sorted.map(\.text)
    placements = names.map { ($0.tensor, positions[ByteKey($0.file)] ?? 0) }
  }

  /// Opens the shards in the order of `fileNames` and checks that index and shards list exactly the
  /// same tensors.
  package func openShards() throws(FormatError) -> [SafetensorsFile] {
    let directory = directory(of: path)
    let confinement = try Confinement(to: directory)
    var files: [SafetensorsFile] = []
    for (position, name) in fileNames.enumerated() {
      let shard = join(directory, name)
      do throws(FormatError) {
        if let target = try confinement.escape(of: shard) {
          throw FormatError(
            .badData, file: path, place: "shard \(quoted(name))",
            problem: "expected a file inside the index's folder, found a link to "
              + quoted(target))
        }
        files.append(try SafetensorsFile(at: shard))
      } catch {
        guard error.kind == .missingInput else { throw error }
        let first = placements.first { $0.file == position }?.tensor ?? ""
        throw FormatError(
          .missingInput, file: path, place: "shard \(quoted(name))",
          problem: "expected the file that holds \(quoted(first)), found none "
            + "(\(error.problem))",
          hint: "download the missing shard; if the index is left over from another checkpoint, "
            + "pass the .safetensors file itself")
      }
    }
    try checkTensors(of: files)
    return files
  }

  private func checkTensors(of files: [SafetensorsFile]) throws(FormatError) {
    var remaining: [ByteKey: Int] = [:]
    for placement in placements { remaining[ByteKey(placement.tensor)] = placement.file }
    for (position, file) in files.enumerated() {
      for tensor in file.tensors {
        let key = ByteKey(tensor.name)
        guard remaining[key] == position else {
          let found = placements.first { ByteKey($0.tensor) == key }.map { fileNames[$0.file] }
          throw FormatError(
            .badData, file: path, place: "tensor \(quoted(tensor.name))",
            problem: "expected \(quoted(fileNames[position])), which holds it, found "
              + (found.map { quoted($0) } ?? "no entry"))
        }
        remaining[key] = nil
      }
    }
    guard let missing = placements.first(where: { remaining[ByteKey($0.tensor)] != nil }) else {
      return
    }
    throw FormatError(
      .badData, file: path, place: "tensor \(quoted(missing.tensor))",
      problem: "expected it in \(quoted(fileNames[missing.file])), found no such tensor there"
        + (remaining.count > 1 ? " (nor \(remaining.count - 1) more)" : ""))
  }
}

/// Whether a name is relative and stays where it starts, links aside.
private func isConfined(_ name: String) -> Bool {
  let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
  return !name.utf8.contains(0)
    && parts.allSatisfy {
      !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
    }
}
