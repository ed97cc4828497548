// Messages byte for byte, and as their reader finds them.

import HHFormat
import Testing

@Suite("ProtobufMessage")
struct ProtobufMessageTests {
  @Test("fields are written as protobuf's documentation shows them")
  func bytes() {
    #expect(ProtobufMessage { $0.integer(1, 150) }.bytes == [0x08, 0x96, 0x01])
    #expect(
      ProtobufMessage { $0.text(2, "testing") }.bytes
        == [0x12, 0x07] + Array("testing".utf8))
    let inner = ProtobufMessage { $0.integer(1, 150) }
    #expect(ProtobufMessage { $0.message(3, inner) }.bytes == [0x1A, 0x03, 0x08, 0x96, 0x01])
    #expect(
      ProtobufMessage { $0.packed(6, [3, 270, 86942]) }.bytes
        == [0x32, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
    #expect(
      ProtobufMessage { $0.integer(1, -1) }.bytes
        == [0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01])
    #expect(ProtobufMessage { $0.float(1, 1) }.bytes == [0x0D, 0, 0, 0x80, 0x3F])
    #expect(
      ProtobufMessage { $0.double(1, 1) }.bytes == [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(ProtobufMessage().bytes.isEmpty)
  }

  @Test("a field whose content comes later, and fields of another message, are read back")
  func pieces() throws {
    let head = ProtobufMessage { $0.integer(20, 7) }
    let message = ProtobufMessage {
      $0.append(head)
      $0.beginning(300, byteCount: 200)
    }
    let bytes = message.bytes + [UInt8](repeating: 9, count: 200)
    var reader = ProtobufReader(bytes, in: bytes.indices)
    let first = try #require(try reader.next())
    guard case .integer(7) = first.value, first.number == 20 else {
      Issue.record("\(first)")
      return
    }
    let second = try #require(try reader.next())
    guard case .bytes(let range) = second.value, second.number == 300 else {
      Issue.record("\(second)")
      return
    }
    #expect(range == bytes.count - 200..<bytes.count)
    #expect(try reader.next() == nil)
  }
}
