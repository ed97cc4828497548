// Numbers in a file, with a shape: what .npy, .bin and IDX files hold.

package import HHFormat

/// An array of little-endian numbers mapped from a file, in C order.
package struct DataArray: Sendable {
  /// Extents, outermost first.
  package let shape: [Int]
  /// The element type: one of U8, U16, U32, I32, I64, F32.
  package let dtype: DType
  /// The file, as the user named it.
  package var path: String { file.path }

  private let file: MappedFile
  private let start: Int

  /// The most axes an array may have.
  static let maximumRank = 4

  /// Takes the numbers from byte `start` to the end of the file, which must be exactly those that
  /// `shape` and `dtype` need.
  init(_ file: MappedFile, shape: [Int], dtype: DType, from start: Int) throws(FormatError) {
    guard shape.count <= Self.maximumRank else {
      throw FormatError(
        .unsupported, file: file.path,
        problem: "expected at most \(Self.maximumRank) axes, found \(shape.count)")
    }
    let width = dtype.bitWidth / 8
    let (needed, overflow) = (checkedElementCount(shape) ?? .max)
      .multipliedReportingOverflow(by: width)
    guard !overflow, needed == file.count - start else {
      throw FormatError(
        .badData, file: file.path,
        problem: "\(dtype.rawValue) \(shape) does not fit the file: expected "
          + (overflow ? "more bytes than memory has" : "\(needed) bytes")
          + " of numbers, found \(file.count - start)")
    }
    self.shape = shape
    self.dtype = dtype
    self.file = file
    self.start = start
  }

  /// Number of elements.
  package var elementCount: Int { shape.reduce(1, *) }

  /// The numbers as token ids below `vocabularySize`; the error names the first that is none.
  package func tokenIDs(vocabularySize: Int) throws(FormatError) -> [Int32] {
    guard dtype != .f32 else {
      throw FormatError(
        .badData, file: path, problem: "expected integers as token ids, found \(dtype.rawValue)")
    }
    let bytes = file.bytes.octets
    let width = dtype.bitWidth / 8
    var ids: [Int32] = []
    ids.reserveCapacity(elementCount)
    for index in 0..<elementCount {
      let bits = Self.bits(bytes, at: start + index * width, width)
      // A negative number has a sign bit somewhere above any valid id.
      guard bits < UInt64(vocabularySize), let id = Int32(exactly: bits) else {
        throw FormatError(
          .badData, file: path, place: "number \(index)",
          problem: "expected a token id from 0 to \(vocabularySize - 1), found \(text(of: bits))",
          hint: "the ids must be those of the model's own tokenizer, as wide as the file says")
      }
      ids.append(id)
    }
    return ids
  }

  /// The numbers as floats.
  package func floats() -> [Float] {
    let bytes = file.bytes.octets
    let width = dtype.bitWidth / 8
    return (0..<elementCount).map { index in
      let bits = Self.bits(bytes, at: start + index * width, width)
      return switch dtype {
      case .f32: Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      case .i32: Float(Int32(truncatingIfNeeded: bits))
      case .i64: Float(Int64(bitPattern: bits))
      default: Float(bits)
      }
    }
  }

  private func text(of bits: UInt64) -> String {
    switch dtype {
    case .i32: "\(Int32(truncatingIfNeeded: bits))"
    case .i64: "\(Int64(bitPattern: bits))"
    default: "\(bits)"
    }
  }

  private static func bits(_ bytes: Span<UInt8>, at offset: Int, _ width: Int) -> UInt64 {
    var bits: UInt64 = 0
    for index in 0..<width { bits |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
    return bits
  }
}
