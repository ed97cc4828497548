// Distributing tensors over the files of a checkpoint.

/// Which tensor goes into which file.
package struct ShardLayout: Sendable {
  /// One file and its tensors, in the order in which the file stores them.
  package struct Shard: Sendable {
    /// The file's name.
    package let fileName: String
    /// Its tensors.
    package let tensors: [SafetensorsWriter.Declaration]
  }

  /// The files in order; without a limit one.
  package let shards: [Shard]
  /// Bytes of all tensors.
  package let byteCount: Int
  private let parameterCount: Int

  /// The index's file name.
  package static let indexName = "model.safetensors.index.json"

  /// Fills files with tensors in the given order up to `limit` bytes each; a larger tensor has a
  /// file to itself. Within a file the official order holds.
  ///
  /// - Parameters:
  ///   - tensors: What to store, with valid shapes.
  ///   - limit: Most tensor bytes in a file; nil for one file.
  ///   - stem: What the files are called, before the number.
  package init(
    _ tensors: [SafetensorsWriter.Declaration], limit: Int?, stem: String = "model"
  ) {
    var groups: [[SafetensorsWriter.Declaration]] = [[]]
    var (size, total) = (0, 0)
    for tensor in tensors {
      let count = SafetensorsWriter.byteCount(tensor) ?? 0
      if let limit, size > 0, size + count > limit {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(tensor)
      size += count
      total += count
    }
    let all = groups.count.digits(atLeast: 5)
    shards = groups.enumerated().map { index, group in
      let number = (index + 1).digits(atLeast: 5)
      return Shard(
        fileName: groups.count == 1
          ? "\(stem).safetensors" : "\(stem)-\(number)-of-\(all).safetensors",
        tensors: SafetensorsWriter.canonicalOrder(group))
    }
    byteCount = total
    parameterCount = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  /// The index as transformers writes it, or nil where one file holds everything.
  package var index: JSONObject? {
    guard shards.count > 1 else { return nil }
    let placements = shards.flatMap { shard in shard.tensors.map { ($0.name, shard.fileName) } }
    var map = JSONObject()
    for (name, file) in placements.sorted(by: { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }) {
      map[name] = .string(file)
    }
    return [
      "metadata": [
        "total_parameters": .integer(parameterCount), "total_size": .integer(byteCount),
      ],
      "weight_map": .object(map),
    ]
  }
}
