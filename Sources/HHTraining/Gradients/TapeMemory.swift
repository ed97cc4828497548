// Memory for what a backward pass needs from its forward pass.

internal import HHCompute

/// Matrices in the order in which they are asked for; after a rewind the same memory serves again,
/// so that steps of one shape allocate nothing.
final class TapeMemory {
  private var buffers: [FloatBuffer] = []
  /// Matrices given out since the start.
  private(set) var position = 0

  /// A matrix with undefined content, which lasts until memory is rewound to before it.
  func matrix(rows: Int, columns: Int) -> Matrix {
    let count = rows * columns
    if position == buffers.count {
      buffers.append(FloatBuffer(count: count))
    } else if buffers[position].count < count {
      buffers[position] = FloatBuffer(count: count)
    }
    defer { position += 1 }
    return Matrix(buffers[position], rows: rows, columns: columns)
  }

  /// Gives up everything from `position` on.
  func rewind(to position: Int = 0) { self.position = position }
}
