// Storing floats in another floating-point type, with a check for overflow.

extension DType {
  /// Converts elements of this type to `target`, piece by piece, and gives each piece to `sink`.
  ///
  /// Rounds to nearest, ties to even. NaN and infinity stay. Bytes of the same type pass unchanged.
  ///
  /// - Parameters:
  ///   - bytes: Elements of this type, little-endian, at any address.
  ///   - target: F32, F16 or BF16.
  ///   - sink: Takes the converted bytes in order.
  /// - Returns: The index of the first finite element that `target` cannot hold, where the
  ///   conversion stops, or nil.
  /// - Throws: What `sink` throws.
  package func convert(
    _ bytes: RawSpan, storingAs target: DType, into sink: ByteSink
  ) throws(FormatError) -> Int? {
    precondition(self == target || (isComputable && target.isStorable), "convert: float types")
    let width = max(1, bitWidth / 8)
    let step = Self.pieceCount * width
    var offset = 0
    while offset < bytes.byteCount {
      let piece = bytes.extracting(offset..<min(offset + step, bytes.byteCount))
      if self == target {
        try sink(piece)
      } else {
        var values = [Float](repeating: 0, count: piece.byteCount / width)
        var span = values.mutableSpan
        _ = convert(piece, to: &span)
        // A 64-bit float beyond float32 is infinite by now.
        let overflow = self == .f64 ? firstOverflow(in: piece, values) : nil
        if let index = overflow ?? target.firstOverflow(in: values) {
          return offset / width + index
        }
        let stored = target.store(values.span) ?? []
        try sink(stored.raw)
      }
      offset += step
    }
    return nil
  }

  /// Elements converted at a time.
  private static let pieceCount = 1 << 20

  /// The least magnitude that rounds to infinity: half a unit in the last place above the largest
  /// finite number.
  private var overflow: Float {
    switch self {
    case .f16: 65520
    case .bf16: Float(bitPattern: 0x7F7F_8000)
    default: .infinity
    }
  }

  /// The first 64-bit float of `bytes` that is finite, and infinite in float32.
  private func firstOverflow(in bytes: RawSpan, _ values: [Float]) -> Int? {
    guard values.contains(where: \.isInfinite) else { return nil }
    var doubles = [Double](repeating: 0, count: values.count)
    var span = doubles.mutableSpan
    _ = self.doubles(bytes, to: &span)
    return values.indices.first { values[$0].isInfinite && doubles[$0].isFinite }
  }

  private func firstOverflow(in values: [Float]) -> Int? {
    let limit = overflow
    return values.firstIndex { $0.isFinite && $0.magnitude >= limit }
  }
}
