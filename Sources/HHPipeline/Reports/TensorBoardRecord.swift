// One record of an event file that TensorBoard reads.
//
// A file is a row of TFRecords: the length of the data as 64 bits, its checksum, the data, and their
// checksum, all little-endian. The data is an Event of TensorFlow's event.proto, of which the fields
// wall_time (1), step (2), file_version (3) and summary (5) are written; a summary's values (1) have a
// tag (1) and a simple_value (2).

/// The bytes of a record.
enum TensorBoardRecord {
  /// The record that every file begins with.
  static func version(at time: Double) -> [UInt8] {
    framed(fixed64(1, time) + bytes(3, Array("brain.Event:2".utf8)))
  }

  /// A number of a name at a step.
  static func scalar(_ tag: String, _ value: Double, step: Int, at time: Double) -> [UInt8] {
    let value = bytes(1, bytes(1, Array(tag.utf8)) + fixed32(2, Float(value)))
    let place = [UInt8(2 << 3)] + varint(UInt64(bitPattern: Int64(step)))
    return framed(fixed64(1, time) + place + bytes(5, value))
  }

  private static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(data.count))
    return length + littleEndian(masked(length)) + data + littleEndian(masked(data))
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func fixed64(_ field: UInt8, _ value: Double) -> [UInt8] {
    [field << 3 | 1] + littleEndian(value.bitPattern)
  }

  private static func fixed32(_ field: UInt8, _ value: Float) -> [UInt8] {
    [field << 3 | 5] + littleEndian(value.bitPattern)
  }

  private static func bytes(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
    [field << 3 | 2] + varint(UInt64(content.count)) + content
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, result) = (value, [UInt8]())
    while rest >= 0x80 {
      result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  /// The checksum as TFRecords store it, so that the checksum of data that holds one is no constant.
  private static func masked(_ data: [UInt8]) -> UInt32 {
    let sum = checksum(data)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// CRC-32C, of the polynomial of Castagnoli.
  static func checksum(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(~0) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in
        rest >> 1 ^ (rest & 1 == 1 ? 0x82F6_3B78 : 0)
      }
    }
  }
}
