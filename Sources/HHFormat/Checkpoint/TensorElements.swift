// Reading a tensor piece by piece, so that memory does not grow with the tensor.

/// The elements of one tensor, readable in ranges; for one thread.
package struct TensorElements {
  /// Elements to ask for at a time. A source that decodes in pieces has them of this size or of a
  /// fraction of it.
  package static let pieceCount = 1 << 20

  private let checkpoint: Checkpoint
  private let source: any TensorSource
  private let index: Int
  private let bitWidth: Int
  /// The whole tensor, once a source has been found to have no parts.
  private var whole: [UInt8]?

  init(_ checkpoint: Checkpoint, _ source: any TensorSource, index: Int) {
    self.checkpoint = checkpoint
    self.source = source
    self.index = index
    bitWidth = source.tensors[index].dtype.bitWidth
  }

  /// Lends the bytes of some elements in row-major order: little-endian, at any address, of the
  /// element type of the tensor's descriptor. The range lies inside the tensor and starts at a
  /// multiple of `pieceCount`; it ends at another one or with the tensor.
  package mutating func withBytes<Result>(
    in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let bytes = range.lowerBound * bitWidth / 8..<range.upperBound * bitWidth / 8
    if let stored = source.storedBytes(of: index, lentBy: checkpoint) {
      return try body(stored.extracting(bytes))
    }
    if whole == nil {
      let part = try source.withPart(of: index, elements: range, body)
      if let part { return part }
      whole = try source.withBytes(of: index) { (all) throws(FormatError) in all.copied() }
    }
    let all = whole ?? []
    let span = all.raw
    return try body(span.extracting(bytes))
  }
}

extension TensorSource {
  /// Reads nothing: this source only has whole tensors.
  func withPart<Result>(
    of index: Int, elements: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result? { nil }
}
