import HHFormat
import Testing

@Suite("RawBytes")
struct RawBytesTests {
  @Test("spans of the same bytes are equal, wherever they lie")
  func equality() {
    let bytes: [UInt8] = [1, 2, 3, 1, 2, 3, 4]
    func isEqual(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
      bytes.raw.extracting(a).isEqual(to: bytes.raw.extracting(b))
    }
    #expect(isEqual(0..<3, 3..<6))
    #expect(isEqual(0..<0, 7..<7) && [UInt8]().raw.isEqual(to: [UInt8]().raw))
    #expect(!isEqual(0..<3, 4..<7))
    #expect(!isEqual(0..<3, 3..<7))
  }

  @Test("bytes are indexed and copied as they lie")
  func access() {
    let bytes: [UInt8] = [9, 8, 7, 6]
    let part = bytes.raw.extracting(1..<4)
    #expect(part.copied() == [8, 7, 6])
    #expect(part.octets.count == 3 && part.octets[2] == 6)
    #expect([UInt8]().raw.copied().isEmpty)
  }
}
