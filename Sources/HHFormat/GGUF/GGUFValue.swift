// The values of GGUF metadata.

/// The type of a metadata value. The raw value is its number in the file.
package enum GGUFValueType: UInt32, Sendable, CaseIterable {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64
  case float64

  /// The least number of bytes of a value. `lengthSize` is the size of a string's length.
  func minimumByteCount(lengthSize: Int) -> Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string: lengthSize
    case .array: 4 + lengthSize
    }
  }
}

/// One value of a GGUF file's metadata.
package enum GGUFValue: Sendable, Equatable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  case string(String)
  case array(GGUFArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  /// The type of the value.
  package var type: GGUFValueType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  /// The whole number, or nil for any other type and for one above `Int.max`.
  package var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    default: nil
    }
  }

  /// The number as a double, or nil for any other type. A 32-bit float becomes the double nearest
  /// to its shortest decimal: 1e-5, not 9.99999974737875e-06.
  package var number: Double? {
    switch self {
    case .float32(let value): value.isFinite ? Double(value.description) : Double(value)
    case .float64(let value): value
    case .uint64(let value): Double(value)
    default: integer.map { Double($0) }
    }
  }

  /// The truth value, or nil for any other type.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The string, or nil for any other type.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The array, or nil for any other type.
  package var array: GGUFArray? { if case .array(let value) = self { value } else { nil } }

  /// The value for a message.
  package var text: String {
    switch self {
    case .bool(let value): "\(value)"
    case .string(let value): quoted(value)
    case .array(let value): "an array of \(value.count) \(value.elementType)"
    default: integer.map { "\($0)" } ?? number.map { "\($0)" } ?? "\(type)"
    }
  }
}

/// An array of metadata. Its elements stay in the file, checked but not decoded: vocabularies are
/// large, and most callers never need them. `GGUFFile` decodes them.
package struct GGUFArray: Sendable, Equatable {
  /// Larger arrays are never decoded: values take many times the memory of their bytes. The largest
  /// vocabularies have a quarter of a million entries.
  package static let maximumCount = 4 << 20

  /// Type of the elements, never `array`.
  package let elementType: GGUFValueType
  /// Number of elements.
  package let count: Int
  /// Where the elements lie in the file.
  package let byteRange: Range<Int>
}
