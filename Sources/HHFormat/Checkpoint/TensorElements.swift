// Reading a tensor piece by piece, so that memory does not grow with the tensor.

/// The elements of one tensor, readable in ranges.
package struct TensorElements {
  /// Elements to ask for at a time. A source that decodes in pieces has them of this size or of a
  /// fraction of it.
  package static let pieceCount = 1 << 20

  private let source: any TensorSource
  private let index: Int
  private let bitWidth: Int

  init(_ source: any TensorSource, index: Int) {
    self.source = source
    self.index = index
    bitWidth = source.tensors[index].dtype.bitWidth
  }

  /// Lends the bytes of some elements in row-major order: little-endian, at any address, of the
  /// element type of the tensor's descriptor. The range lies inside the tensor and starts at a
  /// multiple of `pieceCount`; it ends at another one or with the tensor.
  package func withBytes<Result>(
    in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let bytes = range.lowerBound * bitWidth / 8..<range.upperBound * bitWidth / 8
    return try source.withBytes(of: index, in: bytes, body)
  }
}
