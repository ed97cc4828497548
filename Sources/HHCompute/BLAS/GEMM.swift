// Matrix products by OpenBLAS.

internal import COpenBLAS

/// into = alpha · op(a) · op(b) + beta · into, where op transposes its argument if told so.
///
/// Weights stored as [out, in] are passed as `b` with `transposed: true`. OpenBLAS threads the
/// product itself: never call this inside `parallelFor`.
package func gemm(
  _ a: Matrix, transposed aTransposed: Bool = false, _ b: Matrix,
  transposed bTransposed: Bool = false, into c: Matrix, alpha: Float = 1, beta: Float = 0
) {
  let (rows, depth) = aTransposed ? (a.columns, a.rows) : (a.rows, a.columns)
  let (bDepth, columns) = bTransposed ? (b.columns, b.rows) : (b.rows, b.columns)
  precondition(depth == bDepth, "gemm: inner dimensions \(depth) and \(bDepth)")
  precondition(
    c.rows == rows && c.columns == columns,
    "gemm: result is \(c.rows) × \(c.columns), the product \(rows) × \(columns)")
  guard rows > 0 && columns > 0 else { return }
  guard let m = Int32(exactly: rows), let n = Int32(exactly: columns),
    let k = Int32(exactly: depth), let lda = Int32(exactly: max(1, a.stride)),
    let ldb = Int32(exactly: max(1, b.stride)), let ldc = Int32(exactly: c.stride)
  else { preconditionFailure("gemm: a dimension exceeds OpenBLAS's 32-bit integers") }
  var target = c.mutableSpan
  if rows == 1, depth > 0 {
    // One row, as in decoding: a product of matrices would copy all of `b` first.
    // Safe: as below; a vector's elements are `aTransposed ? lda : 1` apart.
    unsafe a.span.withUnsafeBufferPointer { a in
      unsafe b.span.withUnsafeBufferPointer { b in
        unsafe target.withUnsafeMutableBufferPointer { c in
          unsafe cblas_sgemv(
            CblasRowMajor, bTransposed ? CblasNoTrans : CblasTrans, bTransposed ? n : k,
            bTransposed ? k : n, alpha, b.baseAddress, ldb, a.baseAddress, aTransposed ? lda : 1,
            beta, c.baseAddress, 1)
        }
      }
    }
    return
  }
  // Safe: every view's bounds were checked when it was made, and the dimensions agree.
  unsafe a.span.withUnsafeBufferPointer { a in
    unsafe b.span.withUnsafeBufferPointer { b in
      unsafe target.withUnsafeMutableBufferPointer { c in
        unsafe cblas_sgemm(
          CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
          bTransposed ? CblasTrans : CblasNoTrans, m, n, k, alpha, a.baseAddress, lda,
          b.baseAddress, ldb, beta, c.baseAddress, ldc)
      }
    }
  }
}
