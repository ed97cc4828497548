// Encoding float32 weights in the element types of GGUF tensors.

internal import HHKernels

extension GGMLType {
  /// The types that weights can be stored in, plain ones first.
  package static let writable: [GGMLType] = [
    .f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2K, .q3K, .q4K, .q5K, .q6K, .tq1_0,
    .tq2_0, .mxfp4,
  ]

  /// The largest magnitude that the type can hold, as far as the check of a weight needs it. The
  /// scales and offsets of blocks are float16; BF16 and F32 hold every float32 weight.
  package var largestMagnitude: Float {
    switch self {
    case .f32, .bf16: .infinity
    // One unit more, 65520, would be rounded to infinity.
    case .f16: Float(65520).nextDown
    default: 65504
    }
  }

  /// Encodes float32 values as little-endian blocks; nil where the type is not `writable`.
  ///
  /// `values` holds whole blocks. Quantised types want finite values no larger than
  /// `largestMagnitude`; the caller has checked that.
  package func encode(_ values: Span<Float>) -> [UInt8]? {
    if let dtype { return dtype.store(values) }
    let blocks = values.count / elementsPerBlock
    var bytes = [UInt8](repeating: 0, count: blocks * bytesPerBlock)
    var output = bytes.mutableSpan
    let isKnown = HHKernels.quantize(
      values, type: rawValue, elementsPerBlock: elementsPerBlock, bytesPerBlock: bytesPerBlock,
      to: &output)
    return isKnown ? bytes : nil
  }

  /// Index of the first value that the type cannot hold: for quantised types NaN, infinity and
  /// what is above `largestMagnitude`; for F16 finite values above it. Nil where there is none.
  package func firstUnstorable(in values: Span<Float>) -> Int? {
    guard largestMagnitude.isFinite else { return nil }
    guard dtype != nil else { return firstElement(in: values, beyond: largestMagnitude) }
    return values.indices.first { values[$0].isFinite && abs(values[$0]) > largestMagnitude }
  }
}
