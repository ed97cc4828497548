// Writing GGUF files, version 3 and little-endian, byte for byte as gguf-py does.

/// Builds GGUF headers and files.
package enum GGUFWriter {
  /// A header's entry for a tensor.
  package struct Declaration: Sendable, Equatable {
    /// The tensor's name.
    package let name: String
    /// The element type.
    package let type: GGMLType
    /// Row-major extents, outermost first.
    package let shape: [Int]

    /// Creates a declaration; the writer checks it.
    package init(name: String, type: GGMLType, shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }

    /// Size in bytes; nil where it overflows or a row is not a whole number of blocks.
    package var byteCount: Int? {
      guard let count = checkedElementCount(shape),
        (shape.last ?? 1).isMultiple(of: type.elementsPerBlock)
      else { return nil }
      return type.byteCount(ofElements: count)
    }
  }

  /// The alignment in the metadata, or the format's default of 32.
  static func alignment(
    of metadata: [GGUFKeyValue], file: String
  ) throws(FormatError) -> Int {
    guard let entry = metadata.first(where: { $0.key == "general.alignment" }) else { return 32 }
    let value = entry.bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard entry.type == .uint32, value > 0, value & (value - 1) == 0,
      value <= GGUFHeader.maximumAlignment
    else {
      throw FormatError(
        .badData, file: file, place: "key 'general.alignment'",
        problem: "expected a power of two up to \(GGUFHeader.maximumAlignment) of type uint32, "
          + "found \(value) of type \(entry.type)")
    }
    return value
  }

  /// The first bytes of a file, up to its data.
  ///
  /// - Parameters:
  ///   - metadata: Keys and values in order.
  ///   - tensors: What the file holds, in the order of the data.
  ///   - file: The file's name for messages.
  /// - Returns: Header, metadata, tensor table and the padding after them.
  /// - Throws: `badData` for what no reader would accept: a name or key that is empty, too long or
  ///   not unique, too many dimensions, rows that are not whole blocks, sizes that overflow.
  package static func header(
    metadata: [GGUFKeyValue], tensors: [Declaration], file: String = "GGUF header"
  ) throws(FormatError) -> [UInt8] {
    let alignment = try alignment(of: metadata, file: file)
    var encoder = GGUFEncoder()
    encoder.append(Array("GGUF".utf8))
    encoder.append(UInt32(3))
    encoder.append(UInt64(tensors.count))
    encoder.append(UInt64(metadata.count))
    var keys: Set<ByteKey> = []
    for entry in metadata {
      guard !entry.key.isEmpty, entry.key.utf8.count <= GGUFHeader.maximumKeyLength,
        keys.insert(ByteKey(entry.key)).inserted
      else {
        throw FormatError(
          .badData, file: file, place: "key \(quoted(entry.key))",
          problem: "expected a new key of 1 to \(GGUFHeader.maximumKeyLength) bytes, found one "
            + "that is taken or of another length")
      }
      encoder.append(entry.key)
      encoder.append(entry.type.rawValue)
      encoder.append(entry.bytes)
    }
    var names: Set<ByteKey> = []
    var offset = 0
    for tensor in tensors {
      try check(tensor, isNew: names.insert(ByteKey(tensor.name)).inserted, file: file)
      let size = try padded(tensor, to: alignment, file: file)
      encoder.append(tensor.name)
      encoder.append(UInt32(tensor.shape.count))
      for extent in tensor.shape.reversed() { encoder.append(UInt64(extent)) }
      encoder.append(tensor.type.rawValue)
      encoder.append(UInt64(offset))
      let (next, overflow) = offset.addingReportingOverflow(size)
      guard !overflow else { throw tooLarge(tensor, file) }
      offset = next
    }
    encoder.pad(to: alignment)
    return encoder.bytes
  }

  private static func check(
    _ tensor: Declaration, isNew: Bool, file: String
  ) throws(FormatError) {
    func error(_ problem: String) -> FormatError {
      FormatError(.badData, file: file, place: "tensor \(quoted(tensor.name))", problem: problem)
    }
    // ggml stores names in 64 bytes, with a zero at the end.
    guard (1...GGUFHeader.maximumNameLength).contains(tensor.name.utf8.count) else {
      throw error(
        "expected a name of 1 to \(GGUFHeader.maximumNameLength) bytes, found "
          + "\(tensor.name.utf8.count)")
    }
    guard isNew else { throw error("expected a new name, found one that is taken") }
    guard tensor.shape.count <= GGUFHeader.maximumRank else {
      throw error(
        "expected at most \(GGUFHeader.maximumRank) dimensions, found \(tensor.shape.count)")
    }
    guard (tensor.shape.last ?? 1).isMultiple(of: tensor.type.elementsPerBlock) else {
      throw error(
        "expected rows in a multiple of \(tensor.type.elementsPerBlock) elements for "
          + "\(tensor.type.name), found shape \(tensor.shape)")
    }
  }

  /// Bytes of a tensor and the padding after it.
  static func padded(
    _ tensor: Declaration, to alignment: Int, file: String
  ) throws(FormatError) -> Int {
    guard let size = tensor.byteCount, size <= Int.max - alignment else {
      throw tooLarge(tensor, file)
    }
    return (size + alignment - 1) / alignment * alignment
  }

  private static func tooLarge(_ tensor: Declaration, _ file: String) -> FormatError {
    FormatError(
      .badData, file: file, place: "tensor \(quoted(tensor.name))",
      problem: "shape \(tensor.shape) of \(tensor.type.name): expected a size that fits a file, "
        + "found more")
  }
}
