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

  /// Puts elements from the file's order into the wanted one; both sides have the tensor's count.
  func arrange<Element: BitwiseCopyable>(
    _ stored: Span<Element>, into output: inout MutableSpan<Element>
  ) {
    // A file may claim any number of rows that have no columns.
    guard !stored.isEmpty else { return }
    let shape = descriptor.shape
    switch order {
    case .asStored:
      for index in stored.indices { output[index] = stored[index] }
    case .interleaved(let heads):
      let columns = shape.dropFirst().reduce(1, *)
      let half = (shape.first ?? 0) / heads / 2
      for head in 0..<heads {
        for row in 0..<2 * half {
          let wanted = (head * 2 * half + row) * columns
          let found = (head * 2 * half + 2 * (row % half) + row / half) * columns
          for column in 0..<columns { output[wanted + column] = stored[found + column] }
        }
      }
    case .transposed:
      let (rows, columns) = (shape[0], shape[1])
      // In squares, so that the lines of one square stay in the cache.
      for top in stride(from: 0, to: rows, by: 32) {
        for left in stride(from: 0, to: columns, by: 32) {
          for row in top..<min(rows, top + 32) {
            for column in left..<min(columns, left + 32) {
              output[row * columns + column] = stored[column * rows + row]
            }
          }
        }
      }
    }
  }
}
