// Tensors of an artifact that are blocks of a quantised type.

extension ArtifactTensors {
  func blockType(of index: Int) -> GGMLType? {
    reader.tensor(named: tensors[index].name)?.blockType
  }

  func withBlocks<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let blocks = try reader.read(tensors[index].name, bytes: range)
    return try body(blocks.raw)
  }

  /// Lends a range of bytes of the elements that a tensor's blocks stand for.
  func withDecodedBytes<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    guard let type = blockType(of: index), !range.isEmpty else { return try body(RawSpan()) }
    let size = 4 * type.elementsPerBlock
    let blocks = range.lowerBound / size..<(range.upperBound + size - 1) / size
    var values = [Float](repeating: 0, count: blocks.count * type.elementsPerBlock)
    var output = values.mutableSpan
    try withBlocks(
      of: index, in: blocks.lowerBound * type.bytesPerBlock..<blocks.upperBound * type.bytesPerBlock
    ) { (bytes) throws(FormatError) in type.dequantize(bytes, to: &output) }
    let start = range.lowerBound - blocks.lowerBound * size
    // Safe: floats have no padding.
    return try body(unsafe values.span.bytes.extracting(start..<start + range.count))
  }
}
