// Quantisation: float32 weights as blocks of ggml's types.

internal import CHHKernels

/// Encodes finite float32 values as blocks of a ggml type, given by its number in GGUF files.
/// `output` holds exactly the blocks of `values`; the sizes are those of the type. Returns false,
/// writing nothing, where there is no encoder for the type.
package func quantize(
  _ values: Span<Float>, type: UInt32, elementsPerBlock: Int, bytesPerBlock: Int,
  to output: inout MutableSpan<UInt8>
) -> Bool {
  let count = values.count / elementsPerBlock
  precondition(values.count == count * elementsPerBlock, "quantize: a whole number of blocks")
  precondition(output.count == count * bytesPerBlock, "quantize: byte count")
  // Safe: both buffers hold exactly `count` blocks, and an inout span overlaps nothing.
  return unsafe values.withUnsafeBufferPointer { values in
    unsafe output.withUnsafeMutableBufferPointer { output in
      // An empty buffer may have no address at all; no block is written then.
      var nothing: UInt8 = 0
      guard let target = output.baseAddress, let source = values.baseAddress else {
        var none: Float = 0
        return unsafe hh_quantize(type, &nothing, &none, 0) == 1
      }
      return unsafe hh_quantize(type, target, source, count) == 1
    }
  }
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
