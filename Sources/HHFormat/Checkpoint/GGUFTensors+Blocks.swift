// The blocks of quantised tensors of a GGUF file, as they are.

extension GGUFTensors {
  func blockType(of index: Int) -> GGMLType? {
    let view = views[index]
    guard view.tensor.type.dtype == nil, view.order != .transposed,
      !files[view.file].header.isBigEndian, view.descriptor.shape.last == view.tensor.shape.last
    else { return nil }
    return view.tensor.type
  }

  func withBlocks<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let view = views[index]
    let stored = bytes(of: view)
    guard case .interleaved(let heads) = view.order, !range.isEmpty else {
      return try body(stored.extracting(range))
    }
    let rowBytes = stored.byteCount / max(1, view.descriptor.shape[0])
    let rows = range.lowerBound / rowBytes..<(range.upperBound + rowBytes - 1) / rowBytes
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.count * rowBytes)
    for row in rows {
      let found = view.storedRow(row, heads: heads)
      bytes += stored.extracting(found * rowBytes..<(found + 1) * rowBytes).copied()
    }
    let start = range.lowerBound - rows.lowerBound * rowBytes
    return try body(bytes.raw.extracting(start..<start + range.count))
  }
}
