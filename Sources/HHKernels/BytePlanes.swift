// Words taken apart into planes of bytes, and put together.

internal import CHHKernels

/// Byte `plane` of every little-endian word, each word first rotated left by one bit; plane 0 is
/// the least significant. `words` holds `output.count` words of `width` (2 or 4) bytes, at any
/// address.
package func extractPlane(
  _ plane: Int, of words: RawSpan, width: Int, to output: inout MutableSpan<UInt8>
) {
  precondition(width == 2 || width == 4, "extractPlane: words are two or four bytes wide")
  precondition((0..<width).contains(plane), "extractPlane: plane outside the word")
  precondition(words.byteCount == output.count * width, "extractPlane: byte count and word count")
  // Safe: the source holds exactly `count` words, and an inout span overlaps nothing.
  unsafe words.withUnsafeBytes { words in
    unsafe output.withUnsafeMutableBufferPointer { output in
      // An empty buffer may have no address at all, and there is nothing to do then.
      guard let target = output.baseAddress else { return }
      if width == 2 {
        unsafe hh_plane_of_16(target, words.baseAddress, output.count, UInt32(plane))
      } else {
        unsafe hh_plane_of_32(target, words.baseAddress, output.count, UInt32(plane))
      }
    }
  }
}

/// Undoes `extractPlane`: words of `width` (2 or 4) bytes from as many planes, which lie one after
/// the other in `planes`, plane 0 first.
package func joinPlanes(_ planes: RawSpan, width: Int, to words: inout MutableSpan<UInt8>) {
  precondition(width == 2 || width == 4, "joinPlanes: words are two or four bytes wide")
  precondition(planes.byteCount == words.count, "joinPlanes: byte counts")
  precondition(words.count.isMultiple(of: width), "joinPlanes: a whole number of words")
  let count = words.count / width
  // Safe: both buffers hold `count` times `width` bytes, and an inout span overlaps nothing.
  unsafe planes.withUnsafeBytes { planes in
    unsafe words.withUnsafeMutableBufferPointer { words in
      let source = unsafe planes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      guard let source = unsafe source, let target = words.baseAddress else { return }
      if width == 2 {
        unsafe hh_join_planes_16(target, source, count)
      } else {
        unsafe hh_join_planes_32(target, source, count)
      }
    }
  }
}
