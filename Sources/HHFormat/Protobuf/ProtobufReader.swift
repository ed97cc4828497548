// Reading the protobuf wire format.
//
// A message is a list of fields: a varint `number << 3 | type`, then by type 0 a varint, 1 eight
// bytes, 2 a varint length and as many bytes, 5 four bytes.

/// Why bytes are not a message, and where.
package struct ProtobufError: Error {
  package let offset: Int
  package let problem: String

  /// Names a problem and its place.
  package init(offset: Int, problem: String) { (self.offset, self.problem) = (offset, problem) }
}

/// Reads the fields of one message in order. Every length is checked against the enclosing message.
package struct ProtobufReader {
  /// A field's payload.
  package enum Value {
    case integer(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// Where a string, byte string or inner message lies.
    case bytes(Range<Int>)
  }

  private let bytes: [UInt8]
  private var offset: Int
  private let end: Int

  /// Reads the message in `bytes[range]`.
  package init(_ bytes: [UInt8], in range: Range<Int>) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end of the message.
  package mutating func next() throws(ProtobufError) -> (number: UInt64, value: Value)? {
    guard offset < end else { return nil }
    let start = offset
    let tag = try varint()
    let number = tag >> 3
    switch tag & 7 {
    case 0: return (number, .integer(try varint()))
    case 1: return (number, .fixed64(try fixed(8)))
    case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - offset) else {
        throw ProtobufError(
          offset: start, problem: "field \(number) has \(length) bytes, \(end - offset) are left")
      }
      defer { offset += Int(length) }
      return (number, .bytes(offset..<offset + Int(length)))
    case let type:
      throw ProtobufError(offset: start, problem: "field \(number) has unknown wire type \(type)")
    }
  }

  private mutating func varint() throws(ProtobufError) -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard offset < end else { break }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufError(offset: start, problem: "a number that does not end")
  }

  private mutating func fixed(_ count: Int) throws(ProtobufError) -> UInt64 {
    guard count <= end - offset else {
      throw ProtobufError(offset: offset, problem: "a number of \(count) bytes is cut short")
    }
    defer { offset += count }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }
}
