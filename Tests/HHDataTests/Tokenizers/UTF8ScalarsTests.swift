// Scalars are read out of bytes and written into them as the standard library does.

import Testing

@testable import HHData

@Suite("UTF8Scalars")
struct UTF8ScalarsTests {
  @Test("scalars of every length are read forwards, backwards and written", arguments: ["aé▁😀"])
  func scalars(text: String) {
    let bytes = Array(text.utf8)
    var (offset, copy): (Int, [UInt8]) = (0, [])
    #expect(bytes.scalar(before: 0) == nil)
    for expected in text.unicodeScalars {
      let (scalar, length) = bytes.scalar(at: offset)
      #expect(scalar == expected && length == Unicode.UTF8.width(expected))
      offset += length
      #expect(bytes.scalar(before: offset) == expected)
      copy.append(scalar)
    }
    #expect(offset == bytes.count && copy == bytes)
  }

  @Test("what is cut short or no scalar is a replacement character of one byte")
  func damage() {
    for bytes in [[0xE2, 0x96], [0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80]] as [[UInt8]] {
      let (scalar, length) = bytes.scalar(at: 0)
      #expect(scalar == "\u{FFFD}" && length == 1, "\(bytes)")
    }
  }
}
