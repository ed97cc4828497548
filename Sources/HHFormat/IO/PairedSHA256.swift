// Two SHA-256 computed side by side.

internal import HHKernels

/// Two running SHA-256. Bytes that both get in one call cost little more than those of one; where
/// the processor has no instructions for SHA-256 they are two of `ContentDigest`.
struct PairedSHA256: ~Copyable {
  /// Bytes of a block; calls with whole blocks are the cheap ones.
  static let blockSize = 64

  private var first = LaneDigest()
  private var second = LaneDigest()

  /// Starts both digests.
  init() {}

  /// Adds bytes to the first digest (lane 0) or the second (lane 1).
  mutating func update(_ lane: Int, _ bytes: RawSpan) {
    if lane == 0 { first.update(bytes) } else { second.update(bytes) }
  }

  /// Adds as many bytes to each digest.
  mutating func updateBoth(_ a: RawSpan, _ b: RawSpan) {
    guard hasSHA256Instructions, first.isAligned, second.isAligned, a.byteCount == b.byteCount,
      a.byteCount.isMultiple(of: Self.blockSize)
    else {
      first.update(a)
      second.update(b)
      return
    }
    sha256BlockPairs(&first.state, a, &second.state, b)
    first.count += a.byteCount
    second.count += b.byteCount
  }

  /// Ends a digest, gives its 32 bytes and starts a new one in its place.
  mutating func finalize(_ lane: Int) -> [UInt8] {
    var digest = LaneDigest()
    if lane == 0 { swap(&digest, &first) } else { swap(&digest, &second) }
    return digest.finalize()
  }
}

/// One of the two.
private struct LaneDigest: ~Copyable {
  /// The digest where there are no instructions; unused otherwise.
  private var portable = ContentDigest()
  /// FIPS 180-4, section 5.3.3.
  var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  /// Bytes added.
  var count = 0
  /// The bytes after the last whole block.
  private var pending: [UInt8] = []

  /// Whether whole blocks can be added to `state`.
  var isAligned: Bool { pending.isEmpty }

  mutating func update(_ bytes: RawSpan) {
    guard hasSHA256Instructions else { return portable.update(bytes) }
    count += bytes.byteCount
    var start = 0
    if !pending.isEmpty {
      start = min(PairedSHA256.blockSize - pending.count, bytes.byteCount)
      pending += bytes.extracting(0..<start).copied()
      guard pending.count == PairedSHA256.blockSize else { return }
      let block = pending
      pending = []
      sha256Blocks(&state, block.raw)
    }
    let whole = (bytes.byteCount - start) / PairedSHA256.blockSize * PairedSHA256.blockSize
    sha256Blocks(&state, bytes.extracting(start..<start + whole))
    pending = bytes.extracting(start + whole..<bytes.byteCount).copied()
  }

  /// The digest of everything added: one bit, zeros and the number of bits fill the last block.
  consuming func finalize() -> [UInt8] {
    guard hasSHA256Instructions else { return portable.finalizeBytes() }
    let bits = UInt64(count) * 8
    var last = pending + [0x80]
    while last.count % PairedSHA256.blockSize != PairedSHA256.blockSize - 8 { last.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
      last.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    sha256Blocks(&state, last.raw)
    return state.flatMap { word in
      stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
    }
  }
}
