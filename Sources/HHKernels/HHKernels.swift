// The only Swift that sees the C kernels: spans in, spans out, every count checked.

internal import CHHKernels

// MARK: Conversion

/// float16 to float32, exact. `source` holds two bytes per element of `output`, at any address.
package func convertF16(_ source: RawSpan, to output: inout MutableSpan<Float>) {
  precondition(source.byteCount == output.count * 2, "convertF16: byte count and element count")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_f32_from_f16(output.baseAddress, source.baseAddress, output.count)
    }
  }
}

/// bfloat16 to float32, exact. `source` holds two bytes per element of `output`, at any address.
package func convertBF16(_ source: RawSpan, to output: inout MutableSpan<Float>) {
  precondition(source.byteCount == output.count * 2, "convertBF16: byte count and element count")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_f32_from_bf16(output.baseAddress, source.baseAddress, output.count)
    }
  }
}

/// float32 to float16 bits: to nearest, ties to even; too large becomes infinity, NaN stays NaN.
package func convertToF16(_ source: Span<Float>, to output: inout MutableSpan<UInt16>) {
  precondition(source.count == output.count, "convertToF16: element counts")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_f16_from_f32(output.baseAddress, source.baseAddress, source.count)
    }
  }
}

/// float32 to bfloat16 bits: to nearest, ties to even; NaN stays NaN.
package func convertToBF16(_ source: Span<Float>, to output: inout MutableSpan<UInt16>) {
  precondition(source.count == output.count, "convertToBF16: element counts")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_bf16_from_f32(output.baseAddress, source.baseAddress, source.count)
    }
  }
}

/// Index of the first two-byte element with all bits of `mask` set, or nil. With the exponent field
/// as the mask (0x7C00 for float16, 0x7F80 for bfloat16) that is the first infinity or NaN.
package func firstElement16(in source: RawSpan, withAllBitsOf mask: UInt16) -> Int? {
  let count = source.byteCount / 2
  // Safe: the kernel reads `count` elements of two bytes, which the span holds.
  let index = unsafe source.withUnsafeBytes {
    unsafe hh_first_with_bits_16($0.baseAddress, count, mask)
  }
  return index < count ? index : nil
}

/// Index of the first four-byte element with all bits of `mask` set, or nil; 0x7F80_0000 finds the
/// first infinity or NaN of float32.
package func firstElement32(in source: RawSpan, withAllBitsOf mask: UInt32) -> Int? {
  let count = source.byteCount / 4
  // Safe: the kernel reads `count` elements of four bytes, which the span holds.
  let index = unsafe source.withUnsafeBytes {
    unsafe hh_first_with_bits_32($0.baseAddress, count, mask)
  }
  return index < count ? index : nil
}

/// Index of the first eight-byte element with all bits of `mask` set, or nil;
/// 0x7FF0_0000_0000_0000 finds the first infinity or NaN of float64.
package func firstElement64(in source: RawSpan, withAllBitsOf mask: UInt64) -> Int? {
  let count = source.byteCount / 8
  // Safe: the kernel reads `count` elements of eight bytes, which the span holds.
  let index = unsafe source.withUnsafeBytes {
    unsafe hh_first_with_bits_64($0.baseAddress, count, mask)
  }
  return index < count ? index : nil
}

// MARK: Byte planes

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
