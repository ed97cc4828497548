// Writing GGUF models tensor by tensor, into one file or several.

extension GGUFWriter {
  /// More files than this are refused: all stay open until the last is complete.
  package static let maximumPartCount = 500

  /// Writes a model. Each file gets its name only when all of them are complete.
  ///
  /// - Parameters:
  ///   - path: Where to write, `NAME.gguf`. Several files are `NAME-00001-of-0000N.gguf`.
  ///   - metadata: Keys and values in order, for the first file; with several files the keys
  ///     `split.*` follow them.
  ///   - tensors: What to write, in this order.
  ///   - replacing: Whether existing files may be replaced.
  ///   - shardSize: Most bytes of tensors in a file that holds more than one; nil for one file.
  ///   - content: Called once for each tensor, with its position; gives the tensor's bytes to the
  ///     sink in one piece or several.
  /// - Returns: The paths of the files, in order.
  /// - Throws: `badData` for what `header` refuses and for a tensor with another number of bytes
  ///   than declared, `cannotCreate` and `io` where a file cannot be written, and what `content`
  ///   throws. Nothing is left behind then.
  @discardableResult
  package static func write(
    to path: String, metadata: [GGUFKeyValue], tensors: [Declaration], replacing: Bool = false,
    shardSize: Int? = nil, content: (Int, ByteSink) throws(FormatError) -> Void
  ) throws(FormatError) -> [String] {
    let parts = try parts(of: tensors, shardSize: shardSize, file: path)
    let paths = parts.indices.map { partPath($0, of: parts.count, path) }
    let set = PartSet(
      parts: parts, paths: paths, metadata: metadata, tensors: tensors,
      alignment: try alignment(of: metadata, file: path), replacing: replacing)
    try set.write(from: 0, content: content)
    return paths
  }

  /// The tensors of each file: as many as fit, at least one, as gguf-py divides them.
  private static func parts(
    of tensors: [Declaration], shardSize: Int?, file: String
  ) throws(FormatError) -> [Range<Int>] {
    guard let shardSize else { return [tensors.indices] }
    var parts: [Range<Int>] = []
    var (start, size) = (0, 0)
    for (index, tensor) in tensors.enumerated() {
      let bytes = tensor.byteCount ?? 0
      let (sum, overflow) = size.addingReportingOverflow(bytes)
      if index > start, overflow || sum > shardSize {
        parts.append(start..<index)
        (start, size) = (index, bytes)
      } else {
        size = sum
      }
    }
    parts.append(start..<tensors.count)
    guard parts.count <= maximumPartCount else {
      throw FormatError(
        .unsupported, file: file,
        problem: "expected at most \(maximumPartCount) files, found that \(parts.count) would be "
          + "needed", remedy: "allow larger files with \(.shardSize)")
    }
    return parts
  }

  private static func partPath(_ index: Int, of count: Int, _ path: String) -> String {
    guard count > 1 else { return path }
    let stem = path.hasSuffix(".gguf") ? String(path.dropLast(5)) : path
    return GGUFPartName(stem: stem, count: count).sibling(index + 1)
  }
}

/// The files of one model.
private struct PartSet {
  /// For each file its tensors.
  let parts: [Range<Int>]
  let paths: [String]
  let metadata: [GGUFKeyValue]
  let tensors: [GGUFWriter.Declaration]
  let alignment: Int
  let replacing: Bool

  /// Writes a file and those after it, then gives them their names, the last file first: where the
  /// first file exists, the model is complete.
  func write(
    from index: Int, content: (Int, ByteSink) throws(FormatError) -> Void
  ) throws(FormatError) {
    guard index < parts.count else { return }
    let declared = Array(tensors[parts[index]])
    var file = try AtomicFile(at: paths[index], replacing: replacing)
    let header = try GGUFWriter.header(
      metadata: keys(of: index), tensors: declared, file: paths[index])
    try file.write(header.raw)
    for (offset, tensor) in declared.enumerated() {
      let start = file.byteCount
      try content(parts[index].lowerBound + offset) { bytes throws(FormatError) in
        try file.write(bytes)
      }
      let (expected, found) = (tensor.byteCount ?? 0, file.byteCount - start)
      guard found == expected else {
        throw FormatError(
          .badData, file: paths[index], place: "tensor \(quoted(tensor.name))",
          problem: "expected \(expected) bytes to write, found \(found)")
      }
      let rest = [UInt8](repeating: 0, count: (alignment - expected % alignment) % alignment)
      try file.write(rest.raw)
    }
    try write(from: index + 1, content: content)
    try file.commit()
  }

  private func keys(of index: Int) -> [GGUFKeyValue] {
    let own = metadata.filter { entry in
      index == 0 ? !entry.key.hasPrefix("split.") : entry.key == "general.alignment"
    }
    guard parts.count > 1 else { return own }
    return own + [
      GGUFKeyValue("split.no", .uint16(UInt16(truncatingIfNeeded: index))),
      GGUFKeyValue("split.count", .uint16(UInt16(truncatingIfNeeded: parts.count))),
      GGUFKeyValue("split.tensors.count", .int32(Int32(truncatingIfNeeded: tensors.count))),
    ]
  }
}
