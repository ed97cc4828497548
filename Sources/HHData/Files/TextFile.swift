// Small files as a whole; text must be UTF-8.

package import HHFormat

/// Whether something lies at a path.
package func isPresent(_ path: String) -> Bool {
  do {
    _ = try PathKind(of: path)
    return true
  } catch {
    return false
  }
}

/// The bytes of a file.
package func readBytes(at path: String) throws(FormatError) -> [UInt8] {
  let file = try MappedFile(at: path)
  return file.bytes.copied()
}

/// The text of a file, without the byte order mark that some editors put before it.
///
/// - Throws: `FormatError` for a file that cannot be read, that is not UTF-8, and, by name, for one
///   that is compressed or of a kind that holds no text.
package func readText(at path: String) throws(FormatError) -> String {
  try BinaryFile.refuse(at: path)
  return try validText(try readBytes(at: path).withoutByteOrderMark, file: path)
}

/// Bytes as text; the error names the first byte that is not UTF-8.
func validText(_ bytes: [UInt8], file: String) throws(FormatError) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  var parser = Unicode.UTF8.ForwardParser()
  var iterator = bytes.makeIterator()
  var offset = 0
  while case .valid(let scalar) = parser.parseScalar(from: &iterator) { offset += scalar.count }
  throw FormatError(
    .badData, file: file, place: "byte \(offset)",
    problem: "expected UTF-8 text, found byte 0x\(String(bytes[offset], radix: 16))",
    hint: "token ids are read from .npy and .bin files")
}
