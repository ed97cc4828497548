// A change of a matrix that is the product of two thin ones.

internal import HHKernels

/// W + factor · left · right, any part of it at a time: each element is the same, bit for bit,
/// whichever part is asked for and however many threads ask.
package struct LowRankChange: Sendable {
  private let left: Matrix  // [rows of W, rank]
  private let right: Matrix  // [rank, columns of W]
  private let factor: Float

  /// The change `factor` · B A of a matrix that is stored as [outputs, inputs], or of its transpose.
  ///
  /// - Parameters:
  ///   - a: A, [rank, inputs].
  ///   - b: B, [outputs, rank].
  ///   - isInputMajor: Whether the matrix is stored as [inputs, outputs].
  ///   - factor: What the product is multiplied by.
  package init(a: Matrix, b: Matrix, isInputMajor: Bool, factor: Float) {
    precondition(a.rows == b.columns, "LowRankChange: one rank")
    left = isInputMajor ? Self.transposed(a) : b
    right = isInputMajor ? Self.transposed(b) : a
    self.factor = factor
  }

  /// The opposite change.
  package var opposite: LowRankChange { LowRankChange(left: left, right: right, factor: -factor) }

  private init(left: Matrix, right: Matrix, factor: Float) {
    (self.left, self.right, self.factor) = (left, right, factor)
  }

  private static func transposed(_ matrix: Matrix) -> Matrix {
    let result = Matrix(rows: matrix.columns, columns: matrix.rows)
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns { result[column, row] = matrix[row, column] }
    }
    return result
  }

  /// Adds the change to the elements of the matrix, row after row, that `values` holds: those from
  /// `first` on.
  package func add(to values: inout MutableSpan<Float>, from first: Int) {
    let columns = right.columns
    var position = 0
    while position < values.count {
      let (row, column) = (first + position).quotientAndRemainder(dividingBy: columns)
      let count = min(columns - column, values.count - position)
      for index in 0..<right.rows {
        let addend = right.rows(index..<index + 1).columns(column..<column + count)
        addScaled(addend.span, factor: factor * left[row, index], to: &values, at: position)
      }
      position += count
    }
  }

  /// Adds the change to a whole matrix.
  package func add(to values: FloatBuffer) {
    precondition(values.count == left.rows * right.columns, "LowRankChange: the matrix's size")
    parallelFor(count: values.count, grain: 1 << 16) { range, _ in
      var part = values.mutableSpan(range)
      add(to: &part, from: range.lowerBound)
    }
  }
}
