// Reading the header of a GGUF file value by value, with bounds checked.

/// A position in the bytes of a GGUF file that knows the file's byte order and width of lengths.
struct GGUFCursor: ~Escapable {
  /// What is being read, for errors.
  enum Subject {
    case header
    case key(number: Int)
    case value(of: String)
    case tensor(number: Int)
    case entry(of: String)
  }

  /// Longest string that is accepted, as in ggml.
  static let maximumStringLength = 1 << 30
  /// Longest array that is accepted, as in ggml.
  static let maximumArrayCount = 1 << 30

  let bytes: RawSpan
  let file: String
  /// Whether numbers are stored most significant byte first.
  var isBigEndian = false
  /// Bytes of a length or count: 4 in version 1, 8 later.
  var lengthSize = 8
  /// Offset of the next byte.
  private(set) var offset = 0
  var subject = Subject.header

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, file: String) {
    self.bytes = bytes
    self.file = file
  }

  /// Bytes from the next one to the end of the file.
  var remaining: Int { bytes.byteCount - offset }

  /// An error about what is being read.
  func error(_ problem: String, hint: String? = nil) -> FormatError {
    let place =
      switch subject {
      case .header: "header"
      case .key(let number): "key number \(number)"
      case .value(let key): "key \(quoted(key))"
      case .tensor(let number): "tensor number \(number)"
      case .entry(let name): "tensor \(quoted(name))"
      }
    return FormatError(.badData, file: file, place: place, problem: problem, hint: hint)
  }

  /// Steps over `count` bytes.
  @_lifetime(self: copy self)
  mutating func skip(_ count: Int, _ what: String) throws(FormatError) {
    guard count <= remaining else {
      throw error(
        "\(what): expected \(count) more bytes, found \(remaining)",
        hint: "the file is cut short; copy or download it again")
    }
    offset += count
  }

  /// The next integer.
  @_lifetime(self: copy self)
  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
    _ what: String, as type: T.Type = T.self
  ) throws(FormatError) -> T {
    let start = offset
    try skip(MemoryLayout<T>.size, what)
    // Safe: `skip` found the bytes inside the file, and any bytes are a valid integer.
    let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: T.self)
    return isBigEndian ? T(bigEndian: value) : T(littleEndian: value)
  }

  /// The next length, count or extent, in the width of the file's version.
  @_lifetime(self: copy self)
  mutating func count(_ what: String) throws(FormatError) -> UInt64 {
    lengthSize == 4 ? UInt64(try integer(what, as: UInt32.self)) : try integer(what)
  }

  /// Steps over a string and returns its length.
  @_lifetime(self: copy self)
  mutating func skipString(_ what: String, limit: Int = maximumStringLength)
    throws(FormatError) -> Int
  {
    let length = try count("length of \(what)")
    guard length <= UInt64(limit) else {
      throw error("length of \(what): expected at most \(limit) bytes, found \(length)")
    }
    try skip(Int(length), what)
    return Int(length)
  }

  /// The next string, which must be UTF-8.
  @_lifetime(self: copy self)
  mutating func string(_ what: String, limit: Int = maximumStringLength)
    throws(FormatError) -> String
  {
    let length = try skipString(what, limit: limit)
    let range = offset - length..<offset
    guard let text = String(validating: bytes.extracting(range).copied(), as: UTF8.self) else {
      throw error("\(what): expected UTF-8, found other bytes")
    }
    return text
  }

  /// The next value of a type.
  @_lifetime(self: copy self)
  mutating func value(_ type: GGUFValueType) throws(FormatError) -> GGUFValue {
    let what = "value"
    switch type {
    case .uint8: return .uint8(try integer(what))
    case .int8: return .int8(try integer(what))
    case .uint16: return .uint16(try integer(what))
    case .int16: return .int16(try integer(what))
    case .uint32: return .uint32(try integer(what))
    case .int32: return .int32(try integer(what))
    case .uint64: return .uint64(try integer(what))
    case .int64: return .int64(try integer(what))
    case .float32: return .float32(Float(bitPattern: try integer(what)))
    case .float64: return .float64(Double(bitPattern: try integer(what)))
    case .bool: return .bool(try bool())
    case .string: return .string(try string(what))
    case .array: return .array(try array())
    }
  }

  @_lifetime(self: copy self)
  mutating func bool() throws(FormatError) -> Bool {
    let byte: UInt8 = try integer("value")
    guard byte <= 1 else { throw error("expected 0 or 1 as a truth value, found \(byte)") }
    return byte == 1
  }

  /// The next value type.
  @_lifetime(self: copy self)
  mutating func valueType(_ what: String) throws(FormatError) -> GGUFValueType {
    let number: UInt32 = try integer(what)
    guard let type = GGUFValueType(rawValue: number) else {
      throw error("\(what): expected a number from 0 to 12, found \(number)")
    }
    return type
  }

  /// The next array: checks that its elements are in the file, and steps over them.
  @_lifetime(self: copy self)
  private mutating func array() throws(FormatError) -> GGUFArray {
    let type = try valueType("type of the elements")
    guard type != .array else {
      throw error("expected an array of plain values, found a nested one")
    }
    let count = try count("number of elements")
    guard count <= UInt64(Self.maximumArrayCount) else {
      throw error(
        "number of elements: expected at most \(Self.maximumArrayCount), found \(count)")
    }
    // Both factors are bounded, so the product is too.
    let least = Int(count) * type.minimumByteCount(lengthSize: lengthSize)
    guard least <= remaining else {
      throw error(
        "\(count) elements: expected at least \(least) more bytes, found \(remaining)",
        hint: "the file is cut short; copy or download it again")
    }
    let start = offset
    switch type {
    case .string: for _ in 0..<count { _ = try skipString("element") }
    case .bool: for _ in 0..<count { _ = try bool() }
    default: offset += least
    }
    return GGUFArray(elementType: type, count: Int(count), byteRange: start..<offset)
  }
}

extension GGUFCursor {
  /// A cursor over the elements of an array, in the byte order and version of `header`.
  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, of key: String, header: GGUFHeader, file: String) {
    self.init(bytes, file: file)
    isBigEndian = header.isBigEndian
    lengthSize = header.version == 1 ? 4 : 8
    subject = .value(of: key)
  }
}
