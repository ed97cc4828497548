// One record of an event file that TensorBoard reads.
//
// A file is a row of TFRecords: the length of the data as 64 bits, its checksum, the data, and their
// checksum, all little-endian. The data is an Event of TensorFlow's event.proto, of which the fields
// wall_time (1), step (2), file_version (3) and summary (5) are written; a summary's values (1) have a
// tag (1) and a simple_value (2).

internal import HHFormat

/// The bytes of a record.
enum TensorBoardRecord {
  /// The record that every file begins with.
  static func version(at time: Double) -> [UInt8] {
    framed(
      ProtobufMessage {
        $0.double(1, time)
        $0.text(3, "brain.Event:2")
      })
  }

  /// A number of a name at a step.
  static func scalar(_ tag: String, _ value: Double, step: Int, at time: Double) -> [UInt8] {
    let value = ProtobufMessage {
      $0.text(1, tag)
      $0.float(2, Float(value))
    }
    return framed(
      ProtobufMessage {
        $0.double(1, time)
        $0.integer(2, step)
        $0.message(5, ProtobufMessage { $0.message(1, value) })
      })
  }

  private static func framed(_ event: ProtobufMessage) -> [UInt8] {
    let data = event.bytes
    let length = littleEndian(UInt64(data.count))
    return length + littleEndian(masked(length)) + data + littleEndian(masked(data))
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
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
