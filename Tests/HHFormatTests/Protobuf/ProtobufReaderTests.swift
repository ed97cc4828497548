// Fields of protobuf's wire format, and what is wrong with broken ones.

import HHFormat
import Testing

@Suite("ProtobufReader")
struct ProtobufReaderTests {
  private func fields(_ bytes: [UInt8]) throws(ProtobufError) -> [String] {
    var reader = ProtobufReader(bytes, in: bytes.indices)
    var found: [String] = []
    while let (number, value) = try reader.next() {
      switch value {
      case .integer(let value): found.append("\(number) integer \(value)")
      case .fixed64(let value): found.append("\(number) fixed64 \(value)")
      case .fixed32(let value): found.append("\(number) fixed32 \(value)")
      case .bytes(let range): found.append("\(number) bytes \(range)")
      }
    }
    return found
  }

  @Test("every wire type is read")
  func types() throws {
    #expect(try fields([]) == [])
    #expect(
      try fields([
        0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0x80, 0x1A, 2, 5, 6, 0x25, 0, 1, 0, 0,
      ]) == [
        "1 integer 150", "2 fixed64 \(0x8000_0000_0000_0001 as UInt64)", "3 bytes 14..<16",
        "4 fixed32 256",
      ])
    #expect(
      try fields([0x08] + [UInt8](repeating: 0xFF, count: 9) + [1]) == ["1 integer \(UInt64.max)"])
  }

  @Test(
    "a broken field is named by its offset",
    arguments: [
      ([0x80], 0, "a number that does not end"),
      ([0x08, 0x80], 1, "a number that does not end"),
      ([0x08] + [UInt8](repeating: 0x80, count: 11), 1, "a number that does not end"),
      ([0x1A, 3, 1], 0, "field 3 has 3 bytes, 1 are left"),
      ([0x09, 1, 2], 1, "a number of 8 bytes is cut short"),
      ([0x0D, 1], 1, "a number of 4 bytes is cut short"),
      ([0x0B], 0, "field 1 has unknown wire type 3"),
    ] as [([UInt8], Int, String)])
  func broken(bytes: [UInt8], offset: Int, problem: String) {
    let error = #expect(throws: ProtobufError.self) { try fields(bytes) }
    #expect(error?.offset == offset && error?.problem == problem, "\(String(describing: error))")
  }

  @Test("a message ends where its range does")
  func range() throws {
    let bytes: [UInt8] = [0xFF, 0x08, 1, 0x10, 2]
    var reader = ProtobufReader(bytes, in: 1..<3)
    #expect(try reader.next()?.number == 1)
    #expect(try reader.next() == nil)
  }
}
