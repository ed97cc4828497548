// In what precision matrices are multiplied.

internal import Synchronization

/// What the factors of a matrix product are rounded to; it is added up in float32 either way.
package enum ProductPrecision: String, Sendable, CaseIterable {
  case float32
  /// To nearest, ties to even. A processor's units for bfloat16 multiply them, or else those for
  /// float32, which is no faster then.
  case bfloat16

  /// Why products of bfloat16 are no faster here than those of float32; nil where they are.
  package static var missingUnits: String? {
    switch OneDNN.shared {
    case .success: nil
    case .failure(let absence): absence.description
    }
  }
}

/// The rounded factors of one product at a time, kept for the next one.
private struct RoundingBuffers {
  private var buffers: [FloatBuffer?] = [nil, nil, nil, nil]

  /// A buffer with at least so many floats.
  mutating func buffer(_ index: Int, count: Int) -> FloatBuffer {
    if let buffer = buffers[index], buffer.count >= count { return buffer }
    // Gone before its successor comes.
    buffers[index] = nil
    let buffer = FloatBuffer(count: count)
    buffers[index] = buffer
    return buffer
  }

  /// A factor rounded to bfloat16.
  mutating func rounded(_ factor: Matrix, _ index: Int) -> HalfMatrix {
    HalfMatrix(
      rounding: factor, in: buffer(index, count: HalfMatrix.floats(for: factor)))
  }

  /// Rounded elements as floats again.
  mutating func widened(_ factor: HalfMatrix, _ index: Int) -> Matrix {
    let wide = Matrix(
      buffer(2 + index, count: factor.rows * factor.columns), rows: factor.rows,
      columns: factor.columns)
    factor.widen(into: wide)
    return wide
  }
}

private let buffers = Mutex(RoundingBuffers())

extension HalfMatrix {
  /// y = x op(W) of a matrix of bfloat16, where op transposes if told so, with `x` rounded to bfloat16.
  package func roundedProduct(_ x: Matrix, transposed: Bool, into y: Matrix) {
    buffers.withLock { buffers in
      let x = buffers.rounded(x, 0)
      multiplyHalves(x, false, self, transposed, into: y, 1, 0, &buffers)
    }
  }
}

/// into = alpha · op(a) · op(b) + beta · into with `a` and `b` rounded to bfloat16.
func roundedProduct(
  _ a: Matrix, _ aTransposed: Bool, _ b: Matrix, _ bTransposed: Bool, into c: Matrix,
  _ alpha: Float, _ beta: Float
) {
  buffers.withLock { buffers in
    let (a, b) = (buffers.rounded(a, 0), buffers.rounded(b, 1))
    multiplyHalves(a, aTransposed, b, bTransposed, into: c, alpha, beta, &buffers)
  }
}

/// The product of matrices of bfloat16, by the processor's units for them where there are any.
private func multiplyHalves(
  _ a: HalfMatrix, _ aTransposed: Bool, _ b: HalfMatrix, _ bTransposed: Bool, into c: Matrix,
  _ alpha: Float, _ beta: Float, _ buffers: inout RoundingBuffers
) {
  guard case .success(let library) = OneDNN.shared else {
    let (a, b) = (buffers.widened(a, 0), buffers.widened(b, 1))
    return product(a, aTransposed, b, bTransposed, into: c, alpha, beta)
  }
  inParts(rows: c.rows, columns: c.columns, depth: aTransposed ? a.rows : a.columns) {
    rows, columns in
    let isDone = library.multiply(
      a, aTransposed, rows: rows, b, bTransposed, columns: columns,
      into: c.rows(rows).columns(columns), alpha, beta)
    precondition(isDone, "oneDNN refuses a product of a kind that it has done before")
  }
}
