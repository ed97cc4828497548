// Matrix products by OpenBLAS.

internal import COpenBLAS

/// into = alpha · op(a) · op(b) + beta · into, where op transposes its argument if told so.
///
/// Weights stored as [out, in] are passed as `b` with `transposed: true`. The product is divided
/// among threads here, in slabs that depend on its extents alone: results are the same, bit for bit,
/// for every number of threads. Do not call it inside `parallelFor`, whose threads are busy already.
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
  if rows <= fewRows && !aTransposed && alpha == 1 && beta == 0 {
    return fewRowsProduct(a, .float32(b), transposed: bTransposed, into: c)
  }
  let slabs = Slabs(rows: rows, columns: columns, depth: depth)
  parallelFor(count: slabs.count) { range, _ in
    for index in range {
      let slab = slabs[index]
      if slabs.isOfRows {
        product(
          aTransposed ? a.columns(slab) : a.rows(slab), aTransposed, b, bTransposed,
          into: c.rows(slab), alpha, beta)
      } else {
        product(
          a, aTransposed, bTransposed ? b.rows(slab) : b.columns(slab), bTransposed,
          into: c.columns(slab), alpha, beta)
      }
    }
  }
}

/// How a product is divided: along the longer side of its result, into equal parts that are worth a
/// thread. Their number is a power of two, as numbers of processors mostly are.
private struct Slabs {
  let isOfRows: Bool
  /// Number of slabs.
  let count: Int
  private let extent: Int
  private let width: Int

  init(rows: Int, columns: Int, depth: Int) {
    isOfRows = rows > columns
    extent = max(rows, columns)
    let operations = 2 * Double(rows) * Double(columns) * Double(depth)
    let most = min(extent / 96, Int(min(operations / Double(1 << 23), 64)))
    let parts = most < 2 ? 1 : 1 << (Int.bitWidth - 1 - most.leadingZeroBitCount)
    // Whole vectors of the kernels.
    width = (((extent + parts - 1) / parts) + 15) / 16 * 16
    count = (extent + width - 1) / width
  }

  subscript(index: Int) -> Range<Int> { index * width..<min(extent, (index + 1) * width) }
}

/// OpenBLAS's own threads would fight `parallelFor`'s for the processors, and wait by spinning.
private let singleThread: Void = openblas_set_num_threads(1)

/// One slab of a product, on the calling thread.
@inline(never)
private func product(
  _ a: Matrix, _ aTransposed: Bool, _ b: Matrix, _ bTransposed: Bool, into c: Matrix,
  _ alpha: Float, _ beta: Float
) {
  singleThread
  let (rows, depth) = aTransposed ? (a.columns, a.rows) : (a.rows, a.columns)
  guard let m = Int32(exactly: rows), let n = Int32(exactly: c.columns),
    let k = Int32(exactly: depth), let lda = Int32(exactly: max(1, a.stride)),
    let ldb = Int32(exactly: max(1, b.stride)), let ldc = Int32(exactly: c.stride)
  else { preconditionFailure("gemm: a dimension exceeds OpenBLAS's 32-bit integers") }
  var target = c.mutableSpan
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
