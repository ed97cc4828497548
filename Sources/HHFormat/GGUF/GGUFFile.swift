// A GGUF file, mapped and validated.

/// An open GGUF file whose header has been checked against its size; no tensor is read.
package final class GGUFFile: GGUFMetadataSource {
  private let file: MappedFile
  /// Metadata and tensor table.
  package let header: GGUFHeader

  /// The path as given.
  package var path: String { file.path }
  /// The tensors in the order of their data.
  package var tensors: [GGUFTensor] { header.tensors }

  /// Maps and validates a file.
  ///
  /// - Throws: `badData` naming the key or tensor, what was expected and what was found;
  ///   `unsupported` for a later version and for element types that ggml no longer has.
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

  /// The stored bytes of one of this file's tensors, valid as long as `owner` lives, which must
  /// keep this file alive.
  @_lifetime(borrow owner)
  func bytes(of tensor: GGUFTensor, lentBy owner: AnyObject) -> RawSpan {
    file.bytes(in: tensor.byteRange, lentBy: owner)
  }

  /// Releases the memory of a part of a tensor; see `MappedFile.release`.
  func release(_ range: Range<Int>, of tensor: GGUFTensor) {
    let start = tensor.byteRange.lowerBound
    file.release(start + range.lowerBound..<start + range.upperBound)
  }

  package func value(_ key: String) -> GGUFValue? { header[key] }

  /// The strings of an array key; nil where the key is absent.
  package func strings(_ key: String) throws(FormatError) -> [String]? {
    // Decoded one by one, without a list of values first: vocabularies are large.
    guard let array = try array(key) else { return nil }
    guard array.elementType == .string else {
      throw error(key, "expected an array of strings, found \(GGUFValue.array(array).text)")
    }
    var cursor = self.cursor(over: array, of: key)
    var strings: [String] = []
    strings.reserveCapacity(array.count)
    for _ in 0..<array.count { strings.append(try cursor.string("element")) }
    return strings
  }

  package func elements(_ key: String) throws(FormatError) -> [GGUFValue]? {
    guard let array = try array(key) else { return nil }
    return try elements(of: array, key)
  }

  /// All metadata, ready to be written again.
  package func keyValues() throws(FormatError) -> [GGUFKeyValue] {
    try header.metadata.map { (key, value) throws(FormatError) in
      guard let array = value.array else { return GGUFKeyValue(key, value) }
      return .array(key, of: array.elementType, try elements(of: array, key))
    }
  }

  /// The elements of a key's array.
  func elements(of array: GGUFArray, _ key: String) throws(FormatError) -> [GGUFValue] {
    guard array.count <= GGUFArray.maximumCount else {
      throw error(
        key, "expected at most \(GGUFArray.maximumCount) elements, found \(array.count)")
    }
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

  private func array(_ key: String) throws(FormatError) -> GGUFArray? {
    guard let value = header[key] else { return nil }
    guard let array = value.array else {
      throw error(key, "expected an array, found \(value.text)")
    }
    return array
  }
}
