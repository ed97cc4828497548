// The shards of a checkpoint by their names alone, where no index lists them.

/// A name such as `model-00001-of-00005.safetensors`.
struct ShardNames: Equatable {
  /// What stands before the number.
  let stem: String
  /// The shard's number, from 1.
  let number: Int
  /// The number of shards.
  let total: Int

  private static let ending = ".safetensors"

  /// Reads a name; nil for any other.
  init?(_ name: String) {
    let parts = name.dropLast(Self.ending.count).split(
      separator: "-", omittingEmptySubsequences: false)
    guard name.hasSuffix(Self.ending), parts.count >= 3, parts[parts.count - 2] == "of",
      parts[parts.count - 3].count == 5, let number = Int(parts[parts.count - 3]),
      parts[parts.count - 1].count == 5, let total = Int(parts[parts.count - 1])
    else { return nil }
    stem = parts.dropLast(3).joined(separator: "-")
    (self.number, self.total) = (number, total)
  }

  /// The names of a set's files in order, where the names of a folder are the only set of several
  /// shards and no other model; nil otherwise.
  ///
  /// - Throws: `missingInput` naming a shard that is not there.
  static func set(among names: [String], in folder: String) throws(FormatError) -> [String]? {
    let models = names.filter { $0.hasSuffix(ending) }
    let shards = models.compactMap { name in ShardNames(name).map { (name, $0) } }
    guard shards.count == models.count, shards.count > 1, let first = shards.first?.1,
      shards.allSatisfy({ $0.1.stem == first.stem && $0.1.total == first.total })
    else { return nil }
    let present = Set(shards.map(\.1.number))
    let limit = min(first.total, shards.count + 1)
    if limit >= 1, let missing = (1...limit).first(where: { !present.contains($0) }) {
      let digits = first.total.digits(atLeast: 5)
      throw FormatError(
        .missingInput, file: folder,
        problem: "expected \(first.total) shards, found \(shards.count): no"
          + " '\(first.stem)-\(missing.digits(atLeast: 5))-of-\(digits)\(ending)'",
        hint: "download the missing shard")
    }
    return shards.count == first.total
      ? shards.sorted { $0.1.number < $1.1.number }.map(\.0) : nil
  }

  /// Opens the shards, which must not hold a tensor twice.
  static func open(_ paths: [String]) throws(FormatError) -> [SafetensorsFile] {
    let files = try paths.map { (path) throws(FormatError) in try SafetensorsFile(at: path) }
    var places: [ByteKey: String] = [:]
    for file in files {
      for tensor in file.tensors {
        guard let other = places.updateValue(file.path, forKey: ByteKey(tensor.name)) else {
          continue
        }
        throw FormatError(
          .badData, file: file.path, place: "tensor \(quoted(tensor.name))",
          problem: "expected it in one shard, found it in \(quoted(other)) too")
      }
    }
    return files
  }
}
