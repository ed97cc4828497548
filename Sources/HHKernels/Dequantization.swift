// Blocks of GGUF as float32.

internal import CHHKernels

/// Decodes blocks of a ggml type, given by its number in GGUF files, to float32. `blocks` may start
/// at any address and holds exactly the blocks of `output`; the sizes are those of the type.
package func dequantize(
  _ blocks: RawSpan, type: UInt32, elementsPerBlock: Int, bytesPerBlock: Int,
  to output: inout MutableSpan<Float>
) {
  let count = blocks.byteCount / bytesPerBlock
  precondition(blocks.byteCount == count * bytesPerBlock, "dequantize: a whole number of blocks")
  precondition(output.count == count * elementsPerBlock, "dequantize: element count")
  // Safe: both buffers hold exactly `count` blocks, and an inout span overlaps nothing.
  let isKnown = unsafe blocks.withUnsafeBytes { blocks in
    unsafe output.withUnsafeMutableBufferPointer { output in
      // An empty buffer may have no address at all, and there is nothing to do then.
      guard let target = output.baseAddress, let source = blocks.baseAddress else { return true }
      return unsafe hh_dequantize(type, target, source, count) == 1
    }
  }
  precondition(isKnown, "dequantize: a known type")
}
