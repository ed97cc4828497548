// Tensors of an artifact whose values are computed as float32 and stored in a narrower type.

extension ArtifactTensor {
  /// Lends a range of a tensor's elements for the duration of a call.
  package typealias FloatLender =
    @Sendable (_ range: Range<Int>, _ body: (Span<Float>) throws(FormatError) -> Void)
    throws(FormatError) -> Void

  /// Creates a tensor with other values than `tensor`'s, in its element type, or as float32 where that
  /// stores none.
  ///
  /// - Parameters:
  ///   - tensor: The name, the element type and the shape.
  ///   - tooLarge: The error for an element, by its index, that the type cannot hold.
  ///   - lend: Lends the values; it is called from several threads at a time.
  package init(
    _ tensor: TensorDescriptor,
    tooLarge: @escaping @Sendable (_ dtype: DType, _ index: Int) -> FormatError,
    lending lend: @escaping FloatLender
  ) {
    let dtype = tensor.dtype.isStorable ? tensor.dtype : .f32
    let width = dtype == .f32 ? 4 : 2
    self.init(
      name: tensor.name, dtype: dtype, shape: tensor.shape, origin: .changed,
      byteCount: width * tensor.elementCount
    ) { (range, body) throws(FormatError) in
      let first = range.lowerBound / width
      let wanted = range.lowerBound - first * width..<range.upperBound - first * width
      try lend(first..<(range.upperBound + width - 1) / width) { (elements) throws(FormatError) in
        if dtype == .f32 {
          // Safe: floats have no padding.
          return try body(unsafe elements.bytes.extracting(wanted))
        }
        let bytes = dtype.store(elements) ?? []
        // Safe: bytes have no padding.
        let stored = unsafe bytes.span.bytes
        if let index = dtype.firstNonFinite(in: stored) { throw tooLarge(dtype, first + index) }
        try body(stored.extracting(wanted))
      }
    }
  }
}
