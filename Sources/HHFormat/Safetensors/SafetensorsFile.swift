// A safetensors file, mapped and validated.

/// An open safetensors file whose header has been checked against its size.
package final class SafetensorsFile: Sendable {
  private let file: MappedFile
  private let header: SafetensorsHeader

  /// The path as given.
  package var path: String { file.path }
  /// Size of the file in bytes.
  package var byteCount: Int { file.count }
  /// The tensors in the order of their data.
  package var tensors: [TensorDescriptor] { header.tensors }
  /// The members of `__metadata__` in file order.
  package var metadata: [(key: String, value: String)] { header.metadata }

  /// Maps and validates a file; no tensor is read.
  ///
  /// Throws `badData` naming the tensor, what was expected and what was found; `unsupported` where
  /// the file is of another known format.
  package init(at path: String) throws(FormatError) {
    file = try MappedFile(at: path)
    header = try SafetensorsFile.header(of: file)
  }

  /// The bytes of one of this file's tensors, which may start at any address.
  @_lifetime(borrow self)
  package func bytes(of tensor: TensorDescriptor) -> RawSpan {
    bytes(of: tensor, lentBy: self)
  }

  /// The bytes of one of this file's tensors for as long as `owner` lives, which must be an object
  /// that keeps this file alive.
  @_lifetime(borrow owner)
  func bytes(of tensor: TensorDescriptor, lentBy owner: AnyObject) -> RawSpan {
    file.bytes(in: tensor.byteRange, lentBy: owner)
  }

  /// Lets go of the memory behind a part of a tensor; see `MappedFile.release`.
  func release(_ range: Range<Int>, of tensor: TensorDescriptor) {
    let start = tensor.byteRange.lowerBound
    file.release(start + range.lowerBound..<start + range.upperBound)
  }

  private static func header(of file: MappedFile) throws(FormatError) -> SafetensorsHeader {
    let bytes = file.bytes
    func error(_ problem: String, hint: String? = nil) -> FormatError {
      FormatError(.badData, file: file.path, place: "header", problem: problem, hint: hint)
    }
    guard bytes.byteCount >= 8 else {
      throw error("expected a length of 8 bytes, found \(bytes.byteCount) bytes in the file")
    }
    var length: UInt64 = 0
    for index in (0..<8).reversed() {
      length = length << 8 | UInt64(bytes.octets[index])
    }
    let available = bytes.byteCount - 8
    guard length <= SafetensorsHeader.maximumLength else {
      if let other = ForeignFormat(of: bytes, name: file.path) {
        throw other.error(file: file.path)
      }
      throw error(
        "expected a length of at most \(SafetensorsHeader.maximumLength) bytes, found \(length)",
        hint: "this is probably not a safetensors file")
    }
    guard length <= available else {
      if let other = ForeignFormat(of: bytes, name: file.path) {
        throw other.error(file: file.path)
      }
      throw error(
        "expected a length of at most \(available), the rest of the file, found \(length)",
        hint: "the file is cut short or not a safetensors file")
    }
    let end = 8 + Int(length)
    return try SafetensorsHeader.parse(
      bytes.extracting(8..<end).octets, dataCount: bytes.byteCount - end, dataStart: end,
      file: file.path)
  }
}
