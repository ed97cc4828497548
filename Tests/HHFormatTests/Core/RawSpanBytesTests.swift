import Testing

@testable import HHFormat

@Suite("RawSpan+Bytes")
struct RawSpanBytesTests {
  @Test("integers are read least significant byte first, at any address")
  func integers() {
    let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 0x88]
    #expect(bytes.raw.littleEndian32(at: 1) == 0x0403_0201)
    #expect(bytes.raw.littleEndian64(at: 1) == 0x8807_0605_0403_0201)
  }

  @Test("an appended integer is read back")
  func append() {
    var bytes: [UInt8] = [0xFF]
    bytes.appendLittleEndian(0x1234_5678)
    #expect(bytes == [0xFF, 0x78, 0x56, 0x34, 0x12])
    #expect(bytes.raw.littleEndian32(at: 1) == 0x1234_5678)
  }

  @Test("an integer beyond the end stops the program")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      _ = [UInt8](repeating: 0, count: 7).raw.littleEndian32(at: 4)
    }
  }
}
