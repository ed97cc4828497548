import Testing

@testable import HHFormat

@Suite("SeekTable")
struct SeekTableTests {
  private let frames: [UInt8] = [UInt8](repeating: 7, count: 30)

  private func table() throws -> SeekTable {
    var table = SeekTable()
    try table.append(.init(compressedSize: 10, contentSize: 100, checksum: 0xDEAD_BEEF))
    try table.append(.init(compressedSize: 20, contentSize: 0, checksum: SeekTable.emptyChecksum))
    return table
  }

  @Test("the bytes are those of the seekable format")
  func bytes() throws {
    let expected: [UInt8] = [
      0x5E, 0x2A, 0x4D, 0x18, 33, 0, 0, 0,
      10, 0, 0, 0, 100, 0, 0, 0, 0xEF, 0xBE, 0xAD, 0xDE,
      20, 0, 0, 0, 0, 0, 0, 0, 0x99, 0xE9, 0xD8, 0x51,
      2, 0, 0, 0, 0x80, 0xB1, 0xEA, 0x92, 0x8F,
    ]
    #expect(try table().encoded() == expected)
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    let table = try table()
    let file = frames + table.encoded()
    let read = try SeekTable(parsing: file.raw)
    #expect(read == table)
    #expect(read.range(of: 1) == 10..<30)
  }

  @Test("every prefix is refused")
  func prefixes() throws {
    let file = frames + (try table().encoded())
    for length in 0..<file.count {
      let prefix = Array(file.prefix(length))
      #expect(throws: ZstdError.self, "\(length) bytes") { try SeekTable(parsing: prefix.raw) }
    }
  }

  @Test("a flipped bit of the sizes, the count, the descriptor or a magic number is refused")
  func flips() throws {
    let file = frames + (try table().encoded())
    // Content sizes and checksums are checked against the frames, by the reader.
    let unchecked = Set([42..<50, 54..<62].joined())
    for position in frames.count..<file.count where !unchecked.contains(position) {
      for bit in 0..<8 {
        var damaged = file
        damaged[position] ^= 1 << UInt8(bit)
        #expect(throws: ZstdError.self, "byte \(position), bit \(bit)") {
          try SeekTable(parsing: damaged.raw)
        }
      }
    }
  }

  @Test("a frame above the format's limit is refused")
  func limits() throws {
    var table = SeekTable()
    #expect(throws: ZstdError.self) {
      try table.append(.init(compressedSize: 1, contentSize: 1 << 30 + 1, checksum: 0))
    }
    #expect(throws: ZstdError.self) {
      try table.append(.init(compressedSize: 1 << 32, contentSize: 1, checksum: 0))
    }
  }

  @Test("a count that the file cannot hold is refused before anything is reserved")
  func hugeCount() throws {
    var file = frames + (try table().encoded())
    for index in file.count - 9..<file.count - 5 { file[index] = 0xFF }
    #expect(throws: ZstdError.self) { try SeekTable(parsing: file.raw) }
  }
}
