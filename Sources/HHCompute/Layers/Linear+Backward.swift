// Backward passes of products, biases and lookups.

internal import HHKernels

/// A weight of a linear map and how it is stored.
package struct LinearWeight: Sendable {
  /// W, [out, in], or [in, out] where `isInputMajor`.
  package let matrix: Matrix
  /// True where y = x W, false where y = x Wᵀ.
  package let isInputMajor: Bool

  /// Names the orientation of a matrix.
  package init(_ matrix: Matrix, isInputMajor: Bool) {
    self.matrix = matrix
    self.isInputMajor = isInputMajor
  }
}

/// dX = dY W + beta · dX: the gradient of a linear map's input.
package func linearBackward(
  _ dY: Matrix, _ weight: LinearWeight, into dX: Matrix, beta: Float = 0,
  precision: ProductPrecision = .float32
) {
  gemm(
    dY, transposed: false, weight.matrix, transposed: weight.isInputMajor, into: dX, beta: beta,
    precision: precision)
}

/// dW += dYᵀ x: the gradient of a linear map's weight, stored as the weight is.
package func addWeightGradient(
  x: Matrix, dY: Matrix, to dWeight: LinearWeight, precision: ProductPrecision = .float32
) {
  let (a, b) = dWeight.isInputMajor ? (x, dY) : (dY, x)
  gemm(a, transposed: true, b, into: dWeight.matrix, beta: 1, precision: precision)
}

/// Columns that one thread adds up: the order of a column's sum does not depend on threads.
private let columnBlock = 64

/// dBias += the sum of the rows of `dY`.
package func addBiasGradient(_ dY: Matrix, to dBias: FloatBuffer) {
  precondition(dBias.count == dY.columns, "addBiasGradient: one bias per column")
  parallelFor(count: dY.columns, grain: columnBlock) { range, _ in
    let part = dY.columns(range)
    var sums = dBias.mutableSpan(range)
    addColumnSums(of: part.span, part.layout, to: &sums)
  }
}

/// Row ids[i] of `table` += row i of `x`: the gradient of a lookup. Identifiers outside the table
/// are a programmer error.
package func scatterRows(_ x: Matrix, ids: [Int32], to table: Matrix) {
  precondition(x.rows == ids.count && x.columns == table.columns, "scatterRows: shapes")
  parallelFor(count: x.columns, grain: columnBlock) { range, _ in
    let (part, target) = (x.columns(range), table.columns(range))
    let rows = ids.span
    var span = target.mutableSpan
    HHKernels.scatterRows(part.span, part.layout, ids: rows, to: &span, target.layout)
  }
}
