// One tensor of a GGUF file as a safetensors checkpoint would show it.

/// A tensor under its safetensors name and in that layout, and how to get it from the file.
struct GGUFView: Sendable {
  /// How the rows lie in the file.
  enum Order: Sendable, Equatable {
    /// As they are wanted.
    case asStored
    /// For each of `heads` heads row 2i + j stands where row j·d/2 + i is wanted (j = 0, 1): the
    /// order that ggml's rotation of neighbouring elements needs.
    case interleaved(heads: Int)
    /// With rows and columns exchanged.
    case transposed
  }

  let descriptor: TensorDescriptor
  /// Position of the file.
  let file: Int
  let tensor: GGUFTensor
  /// The part of the stored rows, the first extent, that belongs to this tensor.
  let rows: Range<Int>
  let order: Order

  /// Bytes of the stored tensor that belong to this one.
  var storedRange: Range<Int> {
    let extent = tensor.shape.first ?? 1
    let rowBytes = extent == 0 ? 0 : tensor.byteRange.count / extent
    return rows.lowerBound * rowBytes..<rows.upperBound * rowBytes
  }

  /// Bytes of the stored tensor that a range of this one's bytes comes from, or more.
  func storedRange(of range: Range<Int>) -> Range<Int> {
    guard order == .asStored, !range.isEmpty else { return storedRange }
    let type = tensor.type
    let blockSize = type.elementsPerBlock * (descriptor.dtype.bitWidth / 8)
    let start = storedRange.lowerBound
    return start + range.lowerBound / blockSize * type.bytesPerBlock..<start
      + (range.upperBound + blockSize - 1) / blockSize * type.bytesPerBlock
  }

  /// Gets elements of a range, counted in the file's order from the view's first, into an output of
  /// the range's count.
  typealias Fetch<Element: BitwiseCopyable> = (Range<Int>, inout MutableSpan<Element>) -> Void

  /// The smallest range of whole rows around a range of elements in the wanted order.
  func wholeRows(_ range: Range<Int>) -> Range<Int> {
    guard order != .asStored, !range.isEmpty else { return range }
    let columns = max(1, descriptor.shape.dropFirst().reduce(1, *))
    return range.lowerBound / columns * columns..<(range.upperBound + columns - 1) / columns
      * columns
  }

  /// Puts a range of elements in the wanted order into `output`, which has its count. The range
  /// holds whole rows, unless the elements lie as they are stored.
  func arrange<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _ range: Range<Int>, into output: inout MutableSpan<Element>, _ fetch: Fetch<Element>
  ) {
    // A file may claim any number of rows that have no columns.
    guard !range.isEmpty else { return }
    let shape = descriptor.shape
    let columns = shape.dropFirst().reduce(1, *)
    switch order {
    case .asStored: fetch(range, &output)
    case .interleaved(let heads):
      let half = shape[0] / heads / 2
      for row in range.lowerBound / columns..<range.upperBound / columns {
        let (head, place) = row.quotientAndRemainder(dividingBy: 2 * half)
        let found = head * 2 * half + 2 * (place % half) + place / half
        let start = row * columns - range.lowerBound
        var part = output._mutatingExtracting(start..<start + columns)
        fetch(found * columns..<(found + 1) * columns, &part)
      }
    case .transposed:
      let rows = shape[0]
      let wanted = range.lowerBound / columns..<range.upperBound / columns
      // In strips, so that the lines of one strip stay in the cache; they start with a block.
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
