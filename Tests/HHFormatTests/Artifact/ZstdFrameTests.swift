import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ZstdFrame")
struct ZstdFrameTests {
  private static let sizes = [0, 1, 100, 4096, 200_000]

  private func block(_ size: Int) -> [UInt8] {
    var forge = FileForge(seed: UInt64(size))
    // A skewed distribution, as exponents have.
    return (0..<size).map { _ in UInt8(forge.next(below: 8) * forge.next(below: 8)) }
  }

  @Test("blocks come back", arguments: [FrameContent.plane, .general], sizes)
  func roundTrip(content: FrameContent, size: Int) throws {
    let block = block(size)
    let frame = try FrameCompressor().compress(block.raw, as: content)
    #expect(try FrameDecompressor().decompress(frame.raw, byteCount: size) == block)
  }

  @Test(
    "stored blocks come back, in frames whose sizes are known beforehand",
    arguments: [0, 1, 100, 1 << 17, (1 << 17) + 1, 700_000])
  func stored(size: Int) throws {
    let block = block(size)
    let frame = try FrameCompressor().store(block.raw)
    #expect(frame.count == FrameCompressor.storedSize(of: size))
    #expect(try FrameDecompressor().decompress(frame.raw, byteCount: size) == block)
  }

  @Test("a used compressor gives the same frames as a fresh one")
  func reuse() throws {
    let used = try FrameCompressor()
    for content in [FrameContent.plane, .general, .plane] {
      for size in Self.sizes {
        let fresh = try FrameCompressor().compress(bytes: block(size), as: content)
        #expect(try used.compress(bytes: block(size), as: content) == fresh)
      }
    }
  }

  @Test("a frame ends with the checksum that a seek table lists")
  func checksum() throws {
    let empty: [UInt8] = []
    let frame = try FrameCompressor().compress(empty.raw, as: .general)
    #expect(frame.raw.littleEndian32(at: frame.count - 4) == SeekTable.emptyChecksum)
  }

  @Test("another content size than expected is refused", arguments: [0, 99, 101])
  func wrongSize(size: Int) throws {
    let frame = try FrameCompressor().compress(bytes: block(100), as: .plane)
    #expect(throws: ZstdError.self) {
      try FrameDecompressor().decompress(frame.raw, byteCount: size)
    }
  }

  @Test("prefixes and two frames in one are refused")
  func wrongLength() throws {
    let frame = try FrameCompressor().compress(bytes: block(100), as: .plane)
    for length in 0..<frame.count {
      let prefix = Array(frame.prefix(length))
      #expect(throws: ZstdError.self) {
        try FrameDecompressor().decompress(prefix.raw, byteCount: 100)
      }
    }
    let twice = frame + frame
    #expect(throws: ZstdError.self) {
      try FrameDecompressor().decompress(twice.raw, byteCount: 100)
    }
  }

  @Test("changed content fails its checksum")
  func damage() throws {
    let block: [UInt8] = [1, 2, 3, 4, 5]
    var frame = try FrameCompressor().compress(block.raw, as: .plane)
    frame[frame.count - 5] ^= 1
    let error = #expect(throws: ZstdError.self) {
      try FrameDecompressor().decompress(frame.raw, byteCount: 5)
    }
    #expect(error?.problem.contains("checksum") == true)
  }
}

extension FrameCompressor {
  fileprivate func compress(bytes: [UInt8], as content: FrameContent) throws -> [UInt8] {
    try compress(bytes.raw, as: content)
  }
}
