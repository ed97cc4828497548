// Random matrices and buffers.

import HHCompute
import HHTestSupport

extension Samples {
  /// Random numbers in [−spread, spread) as a buffer.
  mutating func buffer(_ count: Int, spread: Float = 1) -> FloatBuffer {
    FloatBuffer(values(count, spread: spread))
  }

  /// A matrix inside a wider buffer, so that its stride is odd and its start unaligned; what
  /// surrounds it is not a number, so that reading it would show.
  mutating func matrix(_ rows: Int, _ columns: Int, spread: Float = 1) -> Matrix {
    let stride = columns + 3 - columns % 2
    let buffer = FloatBuffer([Float](repeating: .nan, count: 1 + rows * stride))
    let matrix = Matrix(buffer, offset: 1, rows: rows, columns: columns, stride: stride)
    for row in 0..<rows { for column in 0..<columns { matrix[row, column] = spread * next() } }
    return matrix
  }
}

extension Matrix {
  /// The elements as rows of doubles.
  var doubles: [[Double]] { (0..<rows).map { row in (0..<columns).map { Double(self[row, $0]) } } }
}
