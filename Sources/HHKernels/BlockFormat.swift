// ggml's element types, in which GGUF files store weights, and their decoders and encoders.

internal import CHHKernels

/// An element type of ggml: the size of its blocks, and how they become float32 and back.
///
/// The table of types is `quantization/ggml_types.h` of the kernels.
package struct BlockFormat: Sendable, Hashable {
  /// The name as ggml spells it, such as `Q4_K`.
  package let name: String
  /// The number in GGUF files.
  package let number: UInt32
  /// Elements of a block.
  package let elementCount: Int
  /// Bytes of a block.
  package let byteCount: Int
  /// The number of `general.file_type` for a model mostly in this type; nil where the type can only
  /// be read.
  package let fileType: UInt32?

  /// Every type, in the order of the kernels' table.
  package static let all: [BlockFormat] = {
    var formats: [BlockFormat] = []
    // Safe: the table is constant, and its end is NULL.
    while let type = unsafe hh_ggml_type_at(formats.count)?.pointee {
      formats.append(
        BlockFormat(
          name: unsafe String(cString: type.name), number: unsafe type.number,
          elementCount: unsafe Int(type.elements), byteCount: unsafe Int(type.bytes),
          fileType: unsafe UInt32(exactly: type.file_type)))
    }
    return formats
  }()

  /// Decodes whole blocks to float32. `blocks` may start at any address and holds exactly the
  /// blocks of `output`.
  package func decode(_ blocks: RawSpan, to output: inout MutableSpan<Float>) {
    let count = blocks.byteCount / byteCount
    precondition(blocks.byteCount == count * byteCount, "decode: a whole number of blocks")
    precondition(output.count == count * elementCount, "decode: element count")
    // Safe: both buffers hold exactly `count` blocks, and an inout span overlaps nothing.
    unsafe blocks.withUnsafeBytes { blocks in
      unsafe output.withUnsafeMutableBufferPointer { output in
        // An empty buffer may have no address at all, and there is nothing to do then.
        guard let target = output.baseAddress, let source = blocks.baseAddress else { return }
        unsafe hh_dequantize(number, target, source, count)
      }
    }
  }

  /// Encodes float32 values, which are finite where the type is quantised. `output` holds exactly
  /// the blocks of `values`. The type is not one that can only be read.
  package func encode(_ values: Span<Float>, to output: inout MutableSpan<UInt8>) {
    let count = values.count / elementCount
    precondition(fileType != nil, "encode: a type that can be written")
    precondition(values.count == count * elementCount, "encode: a whole number of blocks")
    precondition(output.count == count * byteCount, "encode: byte count")
    // Safe: both buffers hold exactly `count` blocks, and an inout span overlaps nothing.
    unsafe values.withUnsafeBufferPointer { values in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let target = output.baseAddress, let source = values.baseAddress else { return }
        unsafe hh_quantize(number, target, source, count)
      }
    }
  }
}
