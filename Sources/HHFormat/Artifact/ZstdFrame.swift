// One block of bytes as one independent zstd frame (RFC 8878), and back.

internal import CZstd

/// How a frame's content is best compressed.
package enum FrameContent: Sendable {
  /// A byte plane of floating-point numbers: no repeats to find, only a skewed distribution of byte
  /// values. zstd serves as a Huffman coder; planes of noise become raw blocks at copying speed.
  case plane
  /// Anything else.
  case general
}

/// What zstd says went wrong; the caller knows the file and the place.
package struct ZstdError: Error, Equatable {
  /// The reason, in words.
  package let problem: String
}

/// Compresses blocks into independent frames with content size and checksum. The same block gives
/// the same frame every time, with one version of zstd.
@safe
package final class FrameCompressor {
  private let context: OpaquePointer

  /// Creates a compressor for one thread.
  package init() throws(ZstdError) {
    // Safe: the context is owned by this object alone and freed in deinit.
    guard let context = unsafe ZSTD_createCCtx() else { throw ZstdError(problem: "out of memory") }
    unsafe self.context = context
  }

  deinit {
    // Safe: nothing else holds the context.
    _ = unsafe ZSTD_freeCCtx(context)
  }

  /// The frame of a block.
  package func compress(_ block: RawSpan, as content: FrameContent) throws(ZstdError) -> [UInt8] {
    // Safe: a reset only forgets the parameters of the last block.
    _ = unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
    for (parameter, value) in Self.parameters(of: content) {
      _ = try check(unsafe ZSTD_CCtx_setParameter(context, parameter, value))
    }
    let bound = ZSTD_compressBound(block.byteCount)
    var status = 0
    // Safe: zstd writes at most `bound` bytes and reads exactly the block.
    let frame = unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      status = unsafe block.withUnsafeBytes { source in
        unsafe ZSTD_compress2(
          context, target.baseAddress, bound, source.baseAddress, source.count)
      }
      count = ZSTD_isError(status) == 0 ? status : 0
    }
    _ = try check(status)
    return frame
  }

  /// The frame of a block without compression: its size depends on the block's size alone. Only for
  /// blocks below 4 GiB.
  package func store(_ block: RawSpan) throws(ZstdError) -> [UInt8] {
    var frame: [UInt8] = []
    frame.reserveCapacity(Self.storedSize(of: block.byteCount))
    frame.appendLittleEndian(ZSTD_MAGICNUMBER)
    // The frame header's descriptor says that a content size of four bytes and a checksum follow.
    // Then the window: 2^(10 + 7) bytes, which is the largest block, too.
    frame += [0x84, 7 << 3]
    frame.appendLittleEndian(UInt32(block.byteCount))
    var start = 0
    repeat {
      let end = min(start + Self.storedBlockSize, block.byteCount)
      // Bit 0: the last block; bits 1 and 2: a block of bytes as they are; then its size.
      let header = UInt32(end - start) << 3 | (end == block.byteCount ? 1 : 0)
      frame += (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) }
      frame += block.extracting(start..<end).copied()
      start = end
    } while start < block.byteCount
    // zstd computes the checksum only as the end of a frame, so that one is made for it.
    return try frame + compress(block, as: .general).suffix(4)
  }

  /// Bytes of the frame that `store` makes of a block.
  static func storedSize(of byteCount: Int) -> Int {
    10 + 3 * max(1, (byteCount + storedBlockSize - 1) / storedBlockSize) + byteCount + 4
  }

  private static let storedBlockSize = 1 << 17

  private static func parameters(of content: FrameContent) -> [(ZSTD_cParameter, Int32)] {
    let common = [(ZSTD_c_contentSizeFlag, Int32(1)), (ZSTD_c_checksumFlag, 1)]
    return switch content {
    case .plane:
      common + [
        (ZSTD_c_compressionLevel, 1), (ZSTD_c_strategy, Int32(ZSTD_fast.rawValue)),
        // The search for repeats steps as far as it can; that alone would switch the Huffman coder
        // off (ZSTD_c_literalCompressionMode, 1: always).
        (ZSTD_c_targetLength, 1 << 17), (ZSTD_c_experimentalParam5, 1),
        (ZSTD_c_minMatch, 7), (ZSTD_c_hashLog, 6), (ZSTD_c_windowLog, 17),
      ]
    case .general: common + [(ZSTD_c_compressionLevel, 3)]
    }
  }
}

/// Decompresses frames whose content size is known beforehand.
@safe
package final class FrameDecompressor {
  private let context: OpaquePointer

  /// Creates a decompressor for one thread.
  package init() throws(ZstdError) {
    // Safe: the context is owned by this object alone and freed in deinit.
    guard let context = unsafe ZSTD_createDCtx() else { throw ZstdError(problem: "out of memory") }
    unsafe self.context = context
  }

  deinit {
    // Safe: nothing else holds the context.
    _ = unsafe ZSTD_freeDCtx(context)
  }

  /// The content size that a frame states, or nil where it states none or is no frame.
  static func contentSize(of frame: RawSpan) -> Int? {
    // Safe: zstd reads at most the bytes of the frame.
    let size = unsafe frame.withUnsafeBytes {
      unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count)
    }
    // Unknown and invalid sizes are the two largest numbers, which are no Int.
    return Int(exactly: size)
  }

  /// Decompresses one frame into `output`, which has exactly the size of the content.
  ///
  /// - Throws: `ZstdError` where `frame` is not one whole frame of that content size with a
  ///   checksum, or where the checksum does not agree; `output` is then undefined.
  package func decompress(
    _ frame: RawSpan, to output: inout MutableSpan<UInt8>
  ) throws(ZstdError) {
    // The frame header's descriptor byte: bit 2 announces the checksum, bits 3 and 4 are unused.
    guard frame.byteCount > 4 else { throw ZstdError(problem: "the frame is cut short") }
    let descriptor = frame.octets[4]
    guard descriptor & 0x04 != 0 else { throw ZstdError(problem: "the frame has no checksum") }
    guard descriptor & 0x18 == 0 else { throw ZstdError(problem: "the frame sets unused bits") }
    let expected = output.count
    guard Self.contentSize(of: frame) == expected else {
      throw ZstdError(problem: "expected a frame of \(expected) bytes, found another size")
    }
    // Safe: zstd reads at most the bytes of the frame.
    let length = unsafe frame.withUnsafeBytes {
      unsafe ZSTD_findFrameCompressedSize($0.baseAddress, $0.count)
    }
    guard try check(length) == frame.byteCount else {
      throw ZstdError(
        problem: "expected a frame of \(frame.byteCount) compressed bytes, found \(length)")
    }
    // Safe: zstd reads the frame and writes at most `output.count` bytes.
    let status = unsafe frame.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        unsafe ZSTD_decompressDCtx(
          context, target.baseAddress, target.count, source.baseAddress, source.count)
      }
    }
    guard try check(status) == expected else {
      throw ZstdError(problem: "expected \(expected) bytes, found \(status)")
    }
  }

  /// Decompresses one frame into a new array of `byteCount` bytes, under the same conditions.
  package func decompress(_ frame: RawSpan, byteCount: Int) throws(ZstdError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: byteCount)
    var target = output.mutableSpan
    try decompress(frame, to: &target)
    return output
  }
}

/// The result of a zstd function, or the error it stands for.
private func check(_ result: Int) throws(ZstdError) -> Int {
  guard ZSTD_isError(result) != 0 else { return result }
  // Safe: zstd's error names are static, terminated texts.
  throw ZstdError(problem: unsafe String(cString: ZSTD_getErrorName(result)))
}
