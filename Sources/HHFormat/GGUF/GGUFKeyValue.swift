// Metadata for a GGUF file that is written.

/// A key and its value as a little-endian file of version 3 stores them.
package struct GGUFKeyValue: Sendable, Equatable {
  /// The key.
  package let key: String
  /// The type of the value.
  package let type: GGUFValueType
  /// The encoded value: for an array its element type, its count and the elements.
  package let bytes: [UInt8]

  init(_ key: String, type: GGUFValueType, bytes: [UInt8]) {
    self.key = key
    self.type = type
    self.bytes = bytes
  }

  /// A key with a plain value, not an array: `GGUFValue` leaves an array's elements in their file.
  /// For arrays see `array(_:of:_:)` and `GGUFFile.keyValues()`.
  package init(_ key: String, _ value: GGUFValue) {
    precondition(value.type != .array, "GGUFKeyValue: a plain value")
    var encoder = GGUFEncoder()
    encoder.append(value)
    self.init(key, type: value.type, bytes: encoder.bytes)
  }

  /// A key with an array of plain values, all of `type`.
  package static func array(
    _ key: String, of type: GGUFValueType, _ values: [GGUFValue]
  ) -> GGUFKeyValue {
    var encoder = GGUFEncoder()
    encoder.append(type.rawValue)
    encoder.append(UInt64(values.count))
    for value in values {
      precondition(value.type == type && type != .array, "GGUFKeyValue: elements of one plain type")
      encoder.append(value)
    }
    return GGUFKeyValue(key, type: .array, bytes: encoder.bytes)
  }

  /// The same value under another key.
  package func renamed(_ key: String) -> GGUFKeyValue {
    GGUFKeyValue(key, type: type, bytes: bytes)
  }
}

extension GGUFKeyValue {
  /// A string.
  package static func string(_ key: String, _ value: String) -> GGUFKeyValue {
    GGUFKeyValue(key, .string(value))
  }

  /// An unsigned 32-bit integer, the type of most sizes and ids.
  package static func uint32(_ key: String, _ value: UInt32) -> GGUFKeyValue {
    GGUFKeyValue(key, .uint32(value))
  }

  /// A 32-bit float.
  package static func float32(_ key: String, _ value: Float) -> GGUFKeyValue {
    GGUFKeyValue(key, .float32(value))
  }

  /// A truth value.
  package static func bool(_ key: String, _ value: Bool) -> GGUFKeyValue {
    GGUFKeyValue(key, .bool(value))
  }

  /// An array of strings.
  package static func strings(_ key: String, _ values: [String]) -> GGUFKeyValue {
    array(key, of: .string, values.map { .string($0) })
  }

  /// An array of 32-bit integers.
  package static func integers(_ key: String, _ values: [Int32]) -> GGUFKeyValue {
    array(key, of: .int32, values.map { .int32($0) })
  }

  /// An array of 32-bit floats.
  package static func floats(_ key: String, _ values: [Float]) -> GGUFKeyValue {
    array(key, of: .float32, values.map { .float32($0) })
  }
}

/// Bytes of a little-endian file of version 3.
struct GGUFEncoder {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ integer: some FixedWidthInteger) {
    for byte in 0..<integer.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: integer >> (8 * byte)))
    }
  }

  mutating func append(_ string: String) {
    append(UInt64(string.utf8.count))
    bytes += string.utf8
  }

  mutating func append(_ more: [UInt8]) { bytes += more }

  /// Appends a plain value. An array appends nothing, since its elements are elsewhere.
  mutating func append(_ value: GGUFValue) {
    switch value {
    case .uint8(let value): append(value)
    case .int8(let value): append(value)
    case .uint16(let value): append(value)
    case .int16(let value): append(value)
    case .uint32(let value): append(value)
    case .int32(let value): append(value)
    case .uint64(let value): append(value)
    case .int64(let value): append(value)
    case .float32(let value): append(value.bitPattern)
    case .float64(let value): append(value.bitPattern)
    case .bool(let value): append(UInt8(value ? 1 : 0))
    case .string(let value): append(value)
    case .array: break
    }
  }

  /// Zeros up to a multiple of `alignment`.
  mutating func pad(to alignment: Int) {
    let rest = bytes.count % alignment
    if rest > 0 { bytes += [UInt8](repeating: 0, count: alignment - rest) }
  }
}
