// One tensor of a GGUF file as a safetensors checkpoint would show it.

/// A tensor with its safetensors name and layout, and how to read it from the file.
struct GGUFView: Sendable {
  /// How the rows lie in the file.
  enum Order: Sendable, Equatable {
    /// In the wanted order.
    case asStored
    /// In each of `heads` heads of d rows, stored row 2i + j is wanted row j·d/2 + i (j = 0, 1):
    /// the order for ggml's RoPE, which rotates neighbouring elements.
    case interleaved(heads: Int)
    /// Transposed.
    case transposed
  }

  let descriptor: TensorDescriptor
  /// Index of the file.
  let file: Int
  let tensor: GGUFTensor
  /// The stored rows (first extent) that belong to this tensor.
  let rows: Range<Int>
  let order: Order

  /// Bytes of the stored tensor that belong to this one.
  var storedRange: Range<Int> {
    let extent = tensor.shape.first ?? 1
    let rowBytes = extent == 0 ? 0 : tensor.byteRange.count / extent
    return rows.lowerBound * rowBytes..<rows.upperBound * rowBytes
  }

  /// Bytes of the stored tensor that cover a range of this one's bytes.
  func storedRange(of range: Range<Int>) -> Range<Int> {
    guard order == .asStored, !range.isEmpty else { return storedRange }
    let type = tensor.type
    let blockSize = type.elementsPerBlock * (descriptor.dtype.bitWidth / 8)
    let start = storedRange.lowerBound
    return start + range.lowerBound / blockSize * type.bytesPerBlock..<start
      + (range.upperBound + blockSize - 1) / blockSize * type.bytesPerBlock
  }

  /// Reads the elements of a range, counted in the file's order from the view's first one, into an
  /// output of the same count.
  typealias Fetch<Element: BitwiseCopyable> = (Range<Int>, inout MutableSpan<Element>) -> Void

  /// The stored row that a row in the wanted order is, where the order is `interleaved`.
  func storedRow(_ row: Int, heads: Int) -> Int {
    let half = descriptor.shape[0] / heads / 2
    let (head, place) = row.quotientAndRemainder(dividingBy: 2 * half)
    return head * 2 * half + 2 * (place % half) + place / half
  }

  /// The smallest range of whole rows that covers a range of elements in the wanted order.
  func wholeRows(_ range: Range<Int>) -> Range<Int> {
    guard order != .asStored, !range.isEmpty else { return range }
    let columns = max(1, descriptor.shape.dropFirst().reduce(1, *))
    return range.lowerBound / columns * columns..<(range.upperBound + columns - 1) / columns
      * columns
  }

  /// Reads a range of elements in the wanted order into `output`, which has the same count. The
  /// range is of whole rows, unless the order is `asStored`.
  func arrange<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _ range: Range<Int>, into output: inout MutableSpan<Element>, _ fetch: Fetch<Element>
  ) {
    // A file may claim any number of rows without columns.
    guard !range.isEmpty else { return }
    let shape = descriptor.shape
    let columns = shape.dropFirst().reduce(1, *)
    switch order {
    case .asStored: fetch(range, &output)
    case .interleaved(let heads):
      for row in range.lowerBound / columns..<range.upperBound / columns {
        let found = storedRow(row, heads: heads)
        let start = row * columns - range.lowerBound
        var part = output._mutatingExtracting(start..<start + columns)
        fetch(found * columns..<(found + 1) * columns, &part)
      }
    case .transposed:
      let rows = shape[0]
      let wanted = range.lowerBound / columns..<range.upperBound / columns
      // In strips whose cache lines stay in the cache. Each strip starts with a block.
      let height = max(64, tensor.type.elementsPerBlock)
      var strip = [Element](repeating: 0, count: height)
      var top = wanted.lowerBound
      while top < wanted.upperBound {
        let bottom = min(wanted.upperBound, (top / height + 1) * height)
        for column in 0..<columns {
          var span = strip.mutableSpan
          var part = span._mutatingExtracting(0..<bottom - top)
          fetch(column * rows + top..<column * rows + bottom, &part)
          for row in top..<bottom {
            output[(row - wanted.lowerBound) * columns + column] = strip[row - top]
          }
        }
        top = bottom
      }
    }
  }
}
