// Digests of the compressed frames, so that any flipped bit is found and can be placed.
//
//     u32 0x184D2A5D   u32 size of what follows            a skippable frame before the seek table
//     n * 8 bytes      the first 8 bytes of each frame's SHA-256
//     32 bytes         the SHA-256 of the n * 8 bytes
//
// A frame's own checksum covers its content, but some bits of a zstd frame carry no content: unused
// header bits, padding of entropy tables. Ordinary zstd tools pass over the frame.

/// The digest list of an artifact.
struct FrameDigests: Sendable {
  private static let skippableMagic: UInt32 = 0x184D_2A5D
  private static let headerSize = 8
  private static let digestSize = 8

  private var digests: [UInt8] = []

  /// Number of frames.
  var count: Int { digests.count / Self.digestSize }

  /// Creates an empty list.
  init() {}

  /// The short digests of compressed frames; cheapest for frames of about the same size.
  static func digests(of frames: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for start in stride(from: 0, to: frames.count, by: 2) {
      var lanes = PairedSHA256()
      let first = frames[start]
      guard start + 1 < frames.count else {
        result.append(digest(of: first.raw))
        continue
      }
      let second = frames[start + 1]
      let common = min(first.count, second.count) / PairedSHA256.blockSize * PairedSHA256.blockSize
      lanes.updateBoth(
        first.raw.extracting(0..<common), second.raw.extracting(0..<common))
      lanes.update(0, first.raw.extracting(common..<first.count))
      lanes.update(1, second.raw.extracting(common..<second.count))
      for lane in 0..<2 { result.append(Array(lanes.finalize(lane).prefix(digestSize))) }
    }
    return result
  }

  /// The short digest of one compressed frame.
  static func digest(of frame: RawSpan) -> [UInt8] {
    var digest = ContentDigest()
    digest.update(frame)
    return Array(digest.finalizeBytes().prefix(digestSize))
  }

  /// Adds the next frame's digest.
  mutating func append(_ digest: [UInt8]) { digests += digest }

  /// Adds the digests of the frames that follow.
  mutating func append(contentsOf others: FrameDigests) { digests += others.digests }

  /// Whether a frame's digest is the one listed.
  func agrees(_ digest: [UInt8], at index: Int) -> Bool {
    digests[index * Self.digestSize..<(index + 1) * Self.digestSize].elementsEqual(digest)
  }

  /// Bytes of the list of `count` frames in a file.
  static func encodedSize(count: Int) -> Int {
    headerSize + count * digestSize + ContentDigest.byteCount
  }

  /// The list as a frame of the file.
  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(Self.skippableMagic)
    bytes.appendLittleEndian(UInt32(digests.count + ContentDigest.byteCount))
    bytes += digests
    var digest = ContentDigest()
    digest.update(digests.raw)
    bytes += digest.finalizeBytes()
    return bytes
  }

  /// Reads the list of `count` frames; nil where `frame` is not exactly such a list.
  init?(parsing frame: RawSpan, count: Int) {
    guard frame.byteCount == Self.encodedSize(count: count) else { return nil }
    for index in 0..<count * Self.digestSize {
      digests.append(frame.octets[Self.headerSize + index])
    }
    let expected = encoded()
    for index in expected.indices where expected[index] != frame.octets[index] { return nil }
  }
}
