// The seek table of the zstd seekable format, version 0.1.0 (contrib/seekable_format of zstd).
//
//     u32 0x184D2A5E   u32 size of what follows            a skippable frame
//     n * { u32 compressed size, u32 content size, u32 checksum }
//     u32 n   u8 descriptor (bit 7: checksums present)   u32 0x8F92EAB1
//
// The checksum is the low half of the content's XXH64, which is also what a zstd frame ends with.

/// The frames of a seekable file, in order.
package struct SeekTable: Sendable, Equatable {
  /// One frame.
  package struct Entry: Sendable, Equatable {
    /// Bytes of the frame in the file.
    package let compressedSize: Int
    /// Bytes of the frame's content.
    package let contentSize: Int
    /// Low 32 bits of the content's XXH64.
    package let checksum: UInt32
  }

  /// XXH64 of no bytes at all, low half: the checksum of a skippable frame's entry.
  static let emptyChecksum: UInt32 = 0x51D8_E999

  /// The frames; each starts where the one before it ends, the first at byte 0.
  package private(set) var entries: [Entry] = []
  /// Where each frame starts in the file.
  package private(set) var offsets: [Int] = []
  /// Bytes of all frames together, which is where the table itself starts.
  package private(set) var compressedSize = 0

  private static let skippableMagic: UInt32 = 0x184D_2A5E
  private static let footerMagic: UInt32 = 0x8F92_EAB1
  private static let headerSize = 8
  private static let footerSize = 9
  private static let entrySize = 12
  private static let checksumFlag: UInt8 = 0x80
  /// The format's limits: frames in a file, bytes in a frame.
  private static let maximumCount = 1 << 27
  private static let maximumContentSize = 1 << 30

  /// Creates an empty table.
  package init() {}

  /// Adds the next frame. Throws where the format cannot express it.
  package mutating func append(_ entry: Entry) throws(ZstdError) {
    guard entries.count < Self.maximumCount else {
      throw ZstdError(problem: "a seekable file holds at most \(Self.maximumCount) frames")
    }
    guard entry.contentSize <= Self.maximumContentSize, entry.compressedSize <= UInt32.max else {
      throw ZstdError(problem: "a seekable frame holds at most \(Self.maximumContentSize) bytes")
    }
    entries.append(entry)
    offsets.append(compressedSize)
    compressedSize += entry.compressedSize
  }

  /// Adds a zstd frame that ends with its checksum.
  package mutating func append(frame: [UInt8], contentSize: Int) throws(ZstdError) {
    let checksum = frame.raw.littleEndian32(at: frame.count - 4)
    try append(
      Entry(compressedSize: frame.count, contentSize: contentSize, checksum: checksum))
  }

  /// Where a frame lies in the file.
  package func range(of frame: Int) -> Range<Int> {
    offsets[frame]..<offsets[frame] + entries[frame].compressedSize
  }

  /// The table as the last frame of a file.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    let size = entries.count * Self.entrySize + Self.footerSize
    bytes.reserveCapacity(Self.headerSize + size)
    bytes.appendLittleEndian(Self.skippableMagic)
    bytes.appendLittleEndian(UInt32(size))
    for entry in entries {
      bytes.appendLittleEndian(UInt32(entry.compressedSize))
      bytes.appendLittleEndian(UInt32(entry.contentSize))
      bytes.appendLittleEndian(entry.checksum)
    }
    bytes.appendLittleEndian(UInt32(entries.count))
    bytes.append(Self.checksumFlag)
    bytes.appendLittleEndian(Self.footerMagic)
    return bytes
  }

  /// Reads the table at the end of a file.
  ///
  /// Strict: a table with checksums, nothing unused set, and frames that fill the file up to the
  /// table exactly. Nothing is allocated before the count agrees with the file's size.
  package init(parsing file: RawSpan) throws(ZstdError) {
    let minimum = Self.headerSize + Self.footerSize
    guard file.byteCount >= minimum else {
      throw ZstdError(
        problem: "expected at least \(minimum) bytes, found \(file.byteCount)")
    }
    let footer = file.byteCount - Self.footerSize
    let magic = file.littleEndian32(at: footer + 5)
    guard magic == Self.footerMagic else {
      throw ZstdError(problem: "the file does not end with a seek table: it is cut short or other")
    }
    let descriptor = file.octets[footer + 4]
    guard descriptor == Self.checksumFlag else {
      throw ZstdError(problem: "expected descriptor 128, found \(descriptor)")
    }
    let count = Int(file.littleEndian32(at: footer))
    guard count <= Self.maximumCount, count * Self.entrySize <= file.byteCount - minimum else {
      throw ZstdError(problem: "\(count) frames cannot be listed in \(file.byteCount) bytes")
    }
    let start = footer - count * Self.entrySize - Self.headerSize
    guard file.littleEndian32(at: start) == Self.skippableMagic,
      Int(file.littleEndian32(at: start + 4)) == count * Self.entrySize + Self.footerSize
    else { throw ZstdError(problem: "the table's own frame does not fit its \(count) entries") }
    for index in 0..<count {
      let offset = start + Self.headerSize + index * Self.entrySize
      try append(
        Entry(
          compressedSize: Int(file.littleEndian32(at: offset)),
          contentSize: Int(file.littleEndian32(at: offset + 4)),
          checksum: file.littleEndian32(at: offset + 8)))
    }
    guard compressedSize == start else {
      throw ZstdError(
        problem: "the frames have \(compressedSize) bytes, but \(start) lie before the table")
    }
  }
}
