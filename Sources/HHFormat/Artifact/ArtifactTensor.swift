// A tensor on its way into an artifact: what it is, and a way to borrow its bytes.

/// A tensor to be written. Its bytes are borrowed when they are needed, so that a mapped file or an
/// array already in memory is not copied.
package struct ArtifactTensor: Sendable {
  /// Lends a range of the tensor's little-endian, row-major bytes to `body`, for the duration of the
  /// call.
  ///
  /// It is called from several threads at a time: for the digest, in order, and for each plane. It
  /// must lend the same bytes every time.
  package typealias Lender =
    @Sendable (_ range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Void)
    throws(FormatError) -> Void

  /// Sees a part of the bytes, which starts at `offset` of the tensor's and holds whole elements.
  ///
  /// It gets every part once, from any thread, and before the artifact is published: what it throws
  /// ends the writing.
  package typealias Check =
    @Sendable (_ offset: Int, _ bytes: RawSpan) throws(FormatError) -> Void

  /// The name.
  package let name: String
  /// The element type.
  package let dtype: DType
  /// Row-major extents, outermost first.
  package let shape: [Int]
  /// The quantised type whose blocks the bytes are; nil where they are elements of `dtype`.
  package let blockType: GGMLType?
  /// Where the values came from.
  package let origin: TensorOrigin
  /// Bytes that there are to lend.
  package let byteCount: Int
  let lend: Lender
  let check: Check?

  /// Creates a tensor whose `byteCount` bytes `lend` lends and `check`, if any, sees.
  package init(
    name: String, dtype: DType, shape: [Int], blockType: GGMLType? = nil, origin: TensorOrigin,
    byteCount: Int, check: Check? = nil, lend: @escaping Lender
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.blockType = blockType
    self.origin = origin
    self.byteCount = byteCount
    self.check = check
    self.lend = lend
  }

  /// Lends all bytes, some at a time and in order.
  package func forEachPart(
    _ body: (RawSpan) throws(FormatError) -> Void
  ) throws(FormatError) {
    let size = 1 << 24
    for start in stride(from: 0, to: byteCount, by: size) {
      try lend(start..<min(byteCount, start + size), body)
    }
  }

  /// Creates a tensor from bytes in memory.
  package init(
    name: String, dtype: DType, shape: [Int], origin: TensorOrigin, bytes: [UInt8]
  ) {
    self.init(name: name, dtype: dtype, shape: shape, origin: origin, byteCount: bytes.count) {
      (range, body) throws(FormatError) in try body(bytes.raw.extracting(range))
    }
  }

  /// Creates the tensor that holds a carried file.
  init(_ file: CarriedFile, _ content: [UInt8]) {
    self.init(
      name: file.tensorName, dtype: .u8, shape: [file.bytes], origin: .state, bytes: content)
  }

  /// Creates a float32 tensor from values in memory.
  package init(name: String, shape: [Int], origin: TensorOrigin, floats: [Float]) {
    self.init(name: name, dtype: .f32, shape: shape, origin: origin, byteCount: 4 * floats.count) {
      // Safe: floats have no padding.
      (range, body) throws(FormatError) in try body(unsafe floats.span.bytes.extracting(range))
    }
  }

  /// Creates a tensor from a mapped file's bytes; `descriptor` was validated against that file.
  package init(
    _ descriptor: TensorDescriptor, in file: MappedFile, name: String? = nil,
    origin: TensorOrigin = .kept
  ) {
    self.init(
      name: name ?? descriptor.name, dtype: descriptor.dtype, shape: descriptor.shape,
      origin: origin, byteCount: descriptor.byteCount
    ) { (range, body) throws(FormatError) in
      try body(file.bytes.extracting(descriptor.byteRange).extracting(range))
    }
  }
}
