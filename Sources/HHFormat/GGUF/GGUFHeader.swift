// The header of a GGUF file: metadata and tensor table, validated before use.

/// One entry of a GGUF file's tensor table.
package struct GGUFTensor: Sendable, Equatable {
  package let name: String
  package let type: GGMLType
  /// Row-major extents, outermost first; the file stores them in reverse.
  package let shape: [Int]
  /// Where the tensor's bytes lie in the file.
  package let byteRange: Range<Int>

  /// Number of elements. The shape was validated, so the product cannot overflow.
  package var elementCount: Int { shape.reduce(1, *) }
}

/// Metadata and tensor table of a GGUF file.
///
/// The layout of a file (ggml, docs/gguf.md) is
///
///     "GGUF", u32 version, u64 number of tensors, u64 number of keys
///     per key      string name, u32 type, value
///     per tensor   string name, u32 rank, u64 extents (innermost first), u32 type, u64 offset
///     padding to a multiple of general.alignment, then the data, to which the offsets refer
///
/// Version 1 has 32-bit counts, lengths and extents. In a big-endian file the version's bytes are
/// in reverse order. The checks are those of ggml's reader (src/gguf.cpp); this one also checks
/// UTF-8, truth values, the largest alignment and trailing bytes.
package struct GGUFHeader: Sendable {
  /// More tensors or keys than this are refused.
  package static let maximumCount = 100_000
  /// A larger `general.alignment` than this is refused.
  package static let maximumAlignment = 1 << 20
  /// Longest key in bytes.
  package static let maximumKeyLength = 65_535
  /// Longest tensor name in bytes: ggml stores 64, with a zero at the end.
  package static let maximumNameLength = 63
  /// More dimensions than this are refused.
  package static let maximumRank = 4

  package let version: Int
  package let isBigEndian: Bool
  /// Keys and values in file order.
  package let metadata: [(key: String, value: GGUFValue)]
  /// Every tensor's offset is a multiple of this.
  package let alignment: Int
  /// The tensors in file order, which is the order of their data.
  package let tensors: [GGUFTensor]
  private let positions: [ByteKey: Int]

  /// The value of a key, or nil.
  package subscript(key: String) -> GGUFValue? {
    positions[ByteKey(key)].map { metadata[$0].value }
  }

  /// Parses and validates the header of a whole file.
  package init(parsing bytes: RawSpan, file: String) throws(FormatError) {
    var cursor = GGUFCursor(bytes, file: file)
    version = try Self.readVersion(&cursor)
    isBigEndian = cursor.isBigEndian
    let tensorCount = try Self.count(&cursor, of: "tensors", leastBytes: 16 + cursor.lengthSize)
    let keyCount = try Self.count(&cursor, of: "keys", leastBytes: 5 + cursor.lengthSize)
    var metadata: [(key: String, value: GGUFValue)] = []
    var positions: [ByteKey: Int] = [:]
    for number in 0..<keyCount {
      cursor.subject = .key(number: number)
      let key = try cursor.string("name", limit: Self.maximumKeyLength)
      cursor.subject = .value(of: key)
      guard !key.isEmpty else { throw cursor.error("expected a name, found an empty one") }
      guard positions.updateValue(number, forKey: ByteKey(key)) == nil else {
        throw cursor.error("expected each key once, found it twice")
      }
      metadata.append((key, try cursor.value(try cursor.valueType("type"))))
    }
    self.metadata = metadata
    self.positions = positions
    alignment = try Self.alignment(
      positions[ByteKey("general.alignment")].map { metadata[$0].value }, &cursor)
    var table = GGUFTensorTable(alignment: alignment)
    for number in 0..<tensorCount { try table.read(number, &cursor) }
    tensors = try table.placed(&cursor)
  }

  @_lifetime(cursor: copy cursor)
  private static func readVersion(_ cursor: inout GGUFCursor) throws(FormatError) -> Int {
    let magic: UInt32 = try cursor.integer("magic number")
    guard magic == 0x4655_4747 else {
      throw cursor.error("expected the magic number 'GGUF', found other bytes")
    }
    var version: UInt32 = try cursor.integer("version")
    if version & 0xFFFF == 0, version != 0 {
      cursor.isBigEndian = true
      version = version.byteSwapped
    }
    guard (1...3).contains(version) else {
      throw FormatError(
        version > 3 ? .unsupported : .badData, file: cursor.file, place: "header",
        problem: "version: expected 1, 2 or 3, found \(version)")
    }
    cursor.lengthSize = version == 1 ? 4 : 8
    return Int(version)
  }

  /// Reads a count of entries that take at least `leastBytes` each.
  @_lifetime(cursor: copy cursor)
  private static func count(
    _ cursor: inout GGUFCursor, of what: String, leastBytes: Int
  ) throws(FormatError) -> Int {
    let count = try cursor.count("number of \(what)")
    let most = min(cursor.remaining / leastBytes, maximumCount)
    guard count <= UInt64(most) else {
      throw cursor.error(
        "number of \(what): expected at most \(most) in a file of \(cursor.bytes.byteCount) bytes,"
          + " found \(count)")
    }
    return Int(count)
  }

  @_lifetime(cursor: copy cursor)
  private static func alignment(
    _ value: GGUFValue?, _ cursor: inout GGUFCursor
  ) throws(FormatError) -> Int {
    guard let value else { return 32 }
    guard case .uint32(let alignment) = value, alignment > 0, alignment <= maximumAlignment,
      alignment & (alignment - 1) == 0
    else {
      cursor.subject = .value(of: "general.alignment")
      throw cursor.error(
        "expected a power of two up to \(maximumAlignment) of type uint32, found \(value.text) of"
          + " type \(value.type)")
    }
    return Int(alignment)
  }
}
