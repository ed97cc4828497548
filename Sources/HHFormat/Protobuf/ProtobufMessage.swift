// Writing the protobuf wire format, which `ProtobufReader` describes.

/// A message that is built field by field, in the order of the calls.
package struct ProtobufMessage: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []

  /// An empty message.
  package init() {}

  /// The message that `build` writes.
  package init(_ build: (inout ProtobufMessage) -> Void) { build(&self) }

  /// Appends an integer; a negative one takes ten bytes.
  package mutating func integer(_ field: Int, _ value: Int) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// Appends a 32-bit float.
  package mutating func float(_ field: Int, _ value: Float) {
    key(field, wireType: 5)
    littleEndian(value.bitPattern)
  }

  /// Appends a 64-bit float.
  package mutating func double(_ field: Int, _ value: Double) {
    key(field, wireType: 1)
    littleEndian(value.bitPattern)
  }

  /// Appends a text.
  package mutating func text(_ field: Int, _ value: String) { content(field, Array(value.utf8)) }

  /// Appends a byte string.
  package mutating func content(_ field: Int, _ value: [UInt8]) {
    beginning(field, byteCount: value.count)
    bytes += value
  }

  /// Appends an inner message.
  package mutating func message(_ field: Int, _ value: ProtobufMessage) {
    content(field, value.bytes)
  }

  /// Appends a list of integers in one field.
  package mutating func packed(_ field: Int, _ values: [Int]) {
    var list = ProtobufMessage()
    for value in values { list.varint(UInt64(bitPattern: Int64(value))) }
    message(field, list)
  }

  /// Appends what stands before the content of a byte string or an inner message, which the caller
  /// writes himself.
  package mutating func beginning(_ field: Int, byteCount: Int) {
    key(field, wireType: 2)
    varint(UInt64(byteCount))
  }

  /// Appends the bytes of fields that were written elsewhere.
  package mutating func append(_ fields: ProtobufMessage) { bytes += fields.bytes }

  private mutating func key(_ field: Int, wireType: Int) { varint(UInt64(field << 3 | wireType)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func littleEndian(_ value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}
