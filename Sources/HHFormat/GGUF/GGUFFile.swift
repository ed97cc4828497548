// A GGUF file, mapped and validated.

/// An open GGUF file whose header has been checked against its size; no tensor is read.
package final class GGUFFile: Sendable {
  private let file: MappedFile
  /// Metadata and tensor table.
  package let header: GGUFHeader

  /// The path as given.
  package var path: String { file.path }
  /// The tensors in the order of their data.
  package var tensors: [GGUFTensor] { header.tensors }

  /// Maps and validates a file.
  ///
  /// Throws `badData` naming the key or tensor, what was expected and what was found, and
  /// `unsupported` for a later version and for element types that ggml has given up.
  package init(at path: String) throws(FormatError) {
    file = try MappedFile(at: path)
    header = try GGUFFile.header(of: file)
  }

  private static func header(of file: MappedFile) throws(FormatError) -> GGUFHeader {
    try GGUFHeader(parsing: file.bytes, file: file.path)
  }

  /// Whether a file begins with the magic number of GGUF.
  package static func isGGUF(_ path: String) throws(FormatError) -> Bool {
    let file = try MappedFile(at: path)
    return file.bytes.extracting(first: 4).copied().elementsEqual("GGUF".utf8)
  }

  /// The stored bytes of one of this file's tensors, in the file's byte order.
  @_lifetime(borrow self)
  package func bytes(of tensor: GGUFTensor) -> RawSpan {
    file.bytes(in: tensor.byteRange, lentBy: self)
  }

  /// The stored bytes of one of this file's tensors for as long as `owner` lives, which must be an
  /// object that keeps this file alive.
  @_lifetime(borrow owner)
  func bytes(of tensor: GGUFTensor, lentBy owner: AnyObject) -> RawSpan {
    file.bytes(in: tensor.byteRange, lentBy: owner)
  }

  /// Lets go of the memory behind a part of a tensor; see `MappedFile.release`.
  func release(_ range: Range<Int>, of tensor: GGUFTensor) {
    let start = tensor.byteRange.lowerBound
    file.release(start + range.lowerBound..<start + range.upperBound)
  }

  /// The strings of an array key; nil where the key is absent.
  package func strings(_ key: String) throws(FormatError) -> [String]? {
    guard let array = try array(key, "strings", { $0 == .string }) else { return nil }
    var cursor = self.cursor(over: array, of: key)
    var strings: [String] = []
    strings.reserveCapacity(array.count)
    for _ in 0..<array.count { strings.append(try cursor.string("element")) }
    return strings
  }

  /// The whole numbers of an array key; nil where the key is absent.
  package func integers(_ key: String) throws(FormatError) -> [Int]? {
    let wanted = "whole numbers"
    guard let array = try array(key, wanted, { $0 != .string && $0 != .bool }) else { return nil }
    return try elements(of: array, key).map { (value) throws(FormatError) in
      guard let integer = value.integer else { throw mismatch(key, wanted, value.text) }
      return integer
    }
  }

  /// The numbers of an array key as float32; nil where the key is absent.
  package func floats(_ key: String) throws(FormatError) -> [Float]? {
    let wanted = "numbers"
    guard let array = try array(key, wanted, { $0 != .string && $0 != .bool }) else { return nil }
    return try elements(of: array, key).map { (value) throws(FormatError) in
      if case .float32(let value) = value { return value }
      guard let number = value.number else { throw mismatch(key, wanted, value.text) }
      return Float(number)
    }
  }

  /// All metadata, ready to be written again.
  package func keyValues() throws(FormatError) -> [GGUFKeyValue] {
    try header.metadata.map { (key, value) throws(FormatError) in
      guard let array = value.array else { return GGUFKeyValue(key, value) }
      return .array(key, of: array.elementType, try elements(of: array, key))
    }
  }

  /// The elements of the array of a key.
  func elements(of array: GGUFArray, _ key: String) throws(FormatError) -> [GGUFValue] {
    var cursor = self.cursor(over: array, of: key)
    var values: [GGUFValue] = []
    values.reserveCapacity(array.count)
    for _ in 0..<array.count { values.append(try cursor.value(array.elementType)) }
    return values
  }

  @_lifetime(borrow self)
  private func cursor(over array: GGUFArray, of key: String) -> GGUFCursor {
    GGUFCursor(
      file.bytes(in: array.byteRange, lentBy: self), of: key, header: header, file: path)
  }

  private func array(
    _ key: String, _ wanted: String, _ accepts: (GGUFValueType) -> Bool
  ) throws(FormatError) -> GGUFArray? {
    guard let value = header[key] else { return nil }
    guard let array = value.array, accepts(array.elementType) else {
      throw mismatch(key, "an array of \(wanted)", value.text)
    }
    return array
  }

  private func mismatch(_ key: String, _ wanted: String, _ found: String) -> FormatError {
    FormatError(
      .badData, file: path, place: "key \(quoted(key))",
      problem: "expected \(wanted), found \(found)")
  }
}
