// Conversions of 16-bit floats, and scans for values that are not finite.

internal import CHHKernels

/// float16 to float32, exact. `source` holds two bytes per element of `output`, at any address.
package func convertF16(_ source: RawSpan, to output: inout MutableSpan<Float>) {
  unsafe widen(source, to: &output, hh_f32_from_f16)
}

/// bfloat16 to float32, exact. `source` holds two bytes per element of `output`, at any address.
package func convertBF16(_ source: RawSpan, to output: inout MutableSpan<Float>) {
  unsafe widen(source, to: &output, hh_f32_from_bf16)
}

/// float32 to float16 bits: to nearest, ties to even; too large becomes infinity, NaN stays NaN.
package func convertToF16(_ source: Span<Float>, to output: inout MutableSpan<UInt16>) {
  unsafe narrow(source, to: &output, hh_f16_from_f32)
}

/// float32 to bfloat16 bits: to nearest, ties to even; NaN stays NaN.
package func convertToBF16(_ source: Span<Float>, to output: inout MutableSpan<UInt16>) {
  unsafe narrow(source, to: &output, hh_bf16_from_f32)
}

/// Whether the processor multiplies bfloat16, with AVX512-BF16 or AMX; true where that is not known.
package var hasBFloat16Units: Bool { hh_has_bf16_units() != 0 }

/// float32 to bfloat16, as above, into the halves of floats from half `start` on.
package func convertToBF16(
  _ source: Span<Float>, toHalvesOf output: inout MutableSpan<Float>, from start: Int
) {
  precondition(
    start >= 0 && start <= 2 * output.count - source.count, "convertToBF16: room for the elements")
  // Safe: the line above checked that `count` elements of two bytes fit, any bits are a float's, and
  // an inout span overlaps nothing.
  unsafe source.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBytes { output in
      unsafe hh_bf16_from_f32(
        UnsafeMutableRawBufferPointer(rebasing: output[(2 * start)...]).baseAddress,
        source.baseAddress, source.count)
    }
  }
}

/// Index of the first two-byte element with all bits of `mask` set, or nil. With the exponent field
/// as the mask (0x7C00 for float16, 0x7F80 for bfloat16) that is the first infinity or NaN.
package func firstElement(in source: RawSpan, withAllBitsOf mask: UInt16) -> Int? {
  unsafe first(in: source, mask, hh_first_with_bits_16)
}

/// Index of the first four-byte element with all bits of `mask` set, or nil; 0x7F80_0000 finds the
/// first infinity or NaN of float32.
package func firstElement(in source: RawSpan, withAllBitsOf mask: UInt32) -> Int? {
  unsafe first(in: source, mask, hh_first_with_bits_32)
}

/// Index of the first value that is NaN or whose magnitude is above `limit`, or nil.
package func firstElement(in values: Span<Float>, beyond limit: Float) -> Int? {
  // Safe: the kernel reads `count` elements and keeps no pointer.
  let index = unsafe values.withUnsafeBufferPointer { values in
    guard let source = values.baseAddress else { return 0 }
    return unsafe hh_first_beyond(source, values.count, limit)
  }
  return index < values.count ? index : nil
}

private func widen(
  _ source: RawSpan, to output: inout MutableSpan<Float>,
  _ kernel: (UnsafeMutablePointer<Float>?, UnsafeRawPointer?, Int) -> Void
) {
  precondition(source.byteCount == output.count * 2, "widen: byte count and element count")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe kernel(output.baseAddress, source.baseAddress, output.count)
    }
  }
}

private func narrow(
  _ source: Span<Float>, to output: inout MutableSpan<UInt16>,
  _ kernel: (UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int) -> Void
) {
  precondition(source.count == output.count, "narrow: element counts")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe kernel(output.baseAddress, source.baseAddress, source.count)
    }
  }
}

private func first<Word: FixedWidthInteger>(
  in source: RawSpan, _ mask: Word, _ kernel: (UnsafeRawPointer?, Int, Word) -> Int
) -> Int? {
  let count = source.byteCount / MemoryLayout<Word>.size
  // Safe: the kernel reads `count` words, which the span holds.
  let index = unsafe source.withUnsafeBytes { unsafe kernel($0.baseAddress, count, mask) }
  return index < count ? index : nil
}
