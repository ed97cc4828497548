// Reading a JSON object from a file.

extension JSONObject {
  /// Reads a file that holds one JSON object. A file of more than `limit` bytes is refused unread,
  /// because a JSON value takes many times the memory of its text.
  package init(contentsOf path: String, limit: Int = 64_000_000) throws(FormatError) {
    let file = try MappedFile(at: path)
    guard file.count <= limit else {
      throw FormatError(
        .badData, file: path,
        problem: "expected JSON of at most \(limit) bytes, found \(file.count)")
    }
    try self.init(parsing: file.bytes, file: path)
  }

  /// Reads the content of a file that holds one JSON object, a byte order mark before it or not.
  package init(parsing bytes: RawSpan, file: String) throws(FormatError) {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: bytes.withoutByteOrderMark.octets)
    } catch {
      throw FormatError(
        .badData, file: file, problem: "invalid JSON at byte \(error.offset): \(error.problem)")
    }
    guard let object = value.object else {
      throw FormatError(.badData, file: file, problem: "expected a JSON object, found another type")
    }
    self = object
  }
}
