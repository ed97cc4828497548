// Conversion of stored elements to float32 and back, and the scan for NaN and infinity.

internal import HHKernels

extension DType {
  /// Converts stored little-endian elements to float32: exactly, but 64-bit floats to the nearest,
  /// which is infinite for those that float32 cannot hold.
  ///
  /// `bytes` may start at any address and must hold exactly `output.count` elements. Returns false,
  /// leaving `output` as it is, where the type is not computable (`isComputable`).
  package func convert(_ bytes: RawSpan, to output: inout MutableSpan<Float>) -> Bool {
    switch self {
    case .f32: copyBytes(bytes, to: &output)
    case .f16: convertF16(bytes, to: &output)
    case .bf16: convertBF16(bytes, to: &output)
    case .f64: narrow(bytes, to: &output)
    default: return false
    }
    return true
  }

  /// Stores float32 values as elements of this type: little-endian, rounded to nearest with ties to
  /// even. Returns nil where it cannot be stored as this type (`isStorable`).
  package func store(_ values: Span<Float>) -> [UInt8]? {
    // Safe (twice): the elements are plain numbers without padding.
    if self == .f32 { return unsafe values.bytes.copied() }
    guard self == .f16 || self == .bf16 else { return nil }
    var elements = [UInt16](repeating: 0, count: values.count)
    var output = elements.mutableSpan
    if self == .f16 {
      convertToF16(values, to: &output)
    } else {
      convertToBF16(values, to: &output)
    }
    return unsafe elements.span.bytes.copied()
  }

  /// Index of the first element that is NaN or infinite as a float32, or nil; nil too for a type that
  /// is not computable (`isComputable`).
  package func firstNonFinite(in bytes: RawSpan) -> Int? {
    switch self {
    case .f16: firstElement(in: bytes, withAllBitsOf: 0x7C00 as UInt16)
    case .bf16: firstElement(in: bytes, withAllBitsOf: 0x7F80 as UInt16)
    case .f32: firstElement(in: bytes, withAllBitsOf: 0x7F80_0000 as UInt32)
    case .f64: (0..<bytes.byteCount / 8).first { !Float(bytes.double(at: 8 * $0)).isFinite }
    default: nil
    }
  }
}

private func copyBytes(_ bytes: RawSpan, to output: inout MutableSpan<Float>) {
  precondition(bytes.byteCount == output.count * 4, "copyBytes: byte count and element count")
  // Safe: both sides hold the same number of bytes, and an inout span overlaps nothing.
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
  }
}

extension RawSpan {
  /// The little-endian 64-bit float that starts at a byte, inside the span.
  fileprivate func double(at offset: Int) -> Double {
    // Safe: the read is checked against the span, and any bits are a float.
    let bits = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    return Double(bitPattern: UInt64(littleEndian: bits))
  }
}

private func narrow(_ bytes: RawSpan, to output: inout MutableSpan<Float>) {
  precondition(bytes.byteCount == output.count * 8, "narrow: byte count and element count")
  for index in 0..<output.count { output[index] = Float(bytes.double(at: 8 * index)) }
}
