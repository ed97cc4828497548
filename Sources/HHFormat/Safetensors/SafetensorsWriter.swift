// Writing safetensors, byte for byte as the official writer does for the same content.

/// Builds safetensors headers and files.
package enum SafetensorsWriter {
  /// What a header says of one tensor; the shape is row-major.
  package typealias Declaration = (name: String, dtype: DType, shape: [Int])

  /// The order in which the official writer stores tensors: the element types of widest alignment
  /// first, among equal types by name, byte for byte (safetensors `tensor.rs`, `prepare`).
  package static func canonicalOrder(_ tensors: [Declaration]) -> [Declaration] {
    let ranks = Dictionary(
      uniqueKeysWithValues: DType.allCases.enumerated().map { ($0.element, $0.offset) })
    return tensors.sorted { a, b in
      let (first, second) = (ranks[a.dtype] ?? 0, ranks[b.dtype] ?? 0)
      return first == second
        ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : first > second
    }
  }

  /// The first bytes of a file: the length of the header, then the header, padded with spaces to a
  /// multiple of eight, so that the data begins at one.
  ///
  /// Tensors lie one after another in the given order. Metadata comes first and is left out where
  /// it is empty.
  ///
  /// - Parameters:
  ///   - tensors: What the file holds.
  ///   - metadata: The members of `__metadata__`.
  ///   - file: The file's name for messages.
  /// - Returns: The header with its length in front.
  /// - Throws: `badData` where a name occurs twice or is `__metadata__`, where a shape is no shape
  ///   or not a whole number of bytes, and where the result would be longer than a reader accepts.
  package static func header(
    tensors: [Declaration], metadata: [(String, String)], file: String = "safetensors header"
  ) throws(FormatError) -> [UInt8] {
    var text = "{"
    var position = 0
    var names: Set<ByteKey> = [ByteKey("__metadata__")]
    if !metadata.isEmpty { text += try metadataMember(metadata, file: file) }
    for tensor in tensors {
      func error(_ problem: String) -> FormatError {
        FormatError(.badData, file: file, place: "tensor \(quoted(tensor.name))", problem: problem)
      }
      guard names.insert(ByteKey(tensor.name)).inserted else {
        throw error("expected a new name, found one that is taken")
      }
      guard tensor.shape.count <= SafetensorsHeader.maximumRank else {
        throw error(
          "expected at most \(SafetensorsHeader.maximumRank) dimensions, found "
            + "\(tensor.shape.count)")
      }
      guard let size = byteCount(tensor), position <= Int.max - size else {
        throw error(
          "shape \(tensor.shape) of \(tensor.dtype.rawValue): expected a whole number of bytes "
            + "that fits a file, found none")
      }
      if text.utf8.count > 1 { text += "," }
      JSONValue.quote(tensor.name, into: &text)
      text += ":{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":["
      text += tensor.shape.map { "\($0)" }.joined(separator: ",")
      text += "],\"data_offsets\":[\(position),\(position + size)]}"
      position += size
    }
    text += "}"
    text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    let length = text.utf8.count
    guard length <= SafetensorsHeader.maximumLength,
      tensors.count <= SafetensorsHeader.maximumTensorCount
    else {
      throw FormatError(
        .badData, file: file, place: "header",
        problem: "expected at most \(SafetensorsHeader.maximumLength) bytes and "
          + "\(SafetensorsHeader.maximumTensorCount) tensors, found \(length) and \(tensors.count)")
    }
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + Array(text.utf8)
  }

  /// Size of a tensor in bytes, or nil where its shape is no shape, overflows or ends in the middle
  /// of a byte.
  package static func byteCount(_ tensor: Declaration) -> Int? {
    guard let count = checkedElementCount(tensor.shape) else { return nil }
    let (bits, overflow) = count.multipliedReportingOverflow(by: tensor.dtype.bitWidth)
    return overflow || bits % 8 != 0 ? nil : bits / 8
  }

  private static func metadataMember(
    _ metadata: [(String, String)], file: String
  ) throws(FormatError) -> String {
    var text = "\"__metadata__\":{"
    var keys: Set<ByteKey> = []
    for (key, value) in metadata {
      guard keys.insert(ByteKey(key)).inserted else {
        throw FormatError(
          .badData, file: file, place: "metadata key \(quoted(key))",
          problem: "expected a new key, found one that is taken")
      }
      if keys.count > 1 { text += "," }
      JSONValue.quote(key, into: &text)
      text += ":"
      JSONValue.quote(value, into: &text)
    }
    return text + "}"
  }
}
