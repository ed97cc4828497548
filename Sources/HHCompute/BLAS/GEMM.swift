// Matrix products by OpenBLAS.

/// into = alpha · op(a) · op(b) + beta · into, where op transposes its argument if told so.
///
/// Weights stored as [out, in] are passed as `b` with `transposed: true`. The product is divided
/// among threads here, in parts that depend on its extents alone: results are the same, bit for bit,
/// for every number of threads. Do not call it inside `parallelFor`, whose threads are busy already.
/// Products of a few rows are of float32 whatever the precision: reading the weights bounds them.
package func gemm(
  _ a: Matrix, transposed aTransposed: Bool = false, _ b: Matrix,
  transposed bTransposed: Bool = false, into c: Matrix, alpha: Float = 1, beta: Float = 0,
  precision: ProductPrecision = .float32
) {
  let (rows, depth) = aTransposed ? (a.columns, a.rows) : (a.rows, a.columns)
  let (bDepth, columns) = bTransposed ? (b.columns, b.rows) : (b.rows, b.columns)
  precondition(depth == bDepth, "gemm: inner dimensions \(depth) and \(bDepth)")
  precondition(
    c.rows == rows && c.columns == columns,
    "gemm: result is \(c.rows) × \(c.columns), the product \(rows) × \(columns)")
  guard rows > 0 && columns > 0 else { return }
  if rows <= maximumSmallBatch && !aTransposed && alpha == 1 && beta == 0 {
    return fewRowsProduct(a, .float32(b), transposed: bTransposed, into: c)
  }
  if precision == .bfloat16 && depth > 0 {
    roundedProduct(a, aTransposed, b, bTransposed, into: c, alpha, beta)
  } else {
    product(a, aTransposed, b, bTransposed, into: c, alpha, beta)
  }
}

/// The product in float32, divided among threads.
func product(
  _ a: Matrix, _ aTransposed: Bool, _ b: Matrix, _ bTransposed: Bool, into c: Matrix,
  _ alpha: Float, _ beta: Float
) {
  inParts(rows: c.rows, columns: c.columns, depth: aTransposed ? a.rows : a.columns) {
    rows, columns in
    part(
      aTransposed ? a.columns(rows) : a.rows(rows), aTransposed,
      bTransposed ? b.rows(columns) : b.columns(columns), bTransposed,
      into: c.rows(rows).columns(columns), alpha, beta)
  }
}

/// Calls `body` with parts of a product's rows and columns, on all threads.
func inParts(
  rows: Int, columns: Int, depth: Int,
  body: @Sendable (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
) {
  let parts = Parts(rows: rows, columns: columns, depth: depth)
  parallelFor(count: parts.count) { range, _ in
    for index in range {
      let (rows, columns) = parts[index]
      body(rows, columns)
    }
  }
}

/// How a product is divided: into parts of its result that are worth a thread, made by halving the
/// longer side again and again, since OpenBLAS copies a part's rows and columns of the factors first
/// and a square has fewest. Their number is a power of two, as numbers of processors mostly are.
private struct Parts {
  /// Number of parts.
  let count: Int
  private let rows: Int
  private let columns: Int
  /// Rows and columns of a part, but for the last ones.
  private let height: Int
  private let width: Int
  /// Parts side by side.
  private let across: Int

  init(rows: Int, columns: Int, depth: Int) {
    let operations = 2 * Double(rows) * Double(columns) * Double(depth)
    var most = min(max(rows, columns) / 96, Int(min(operations / Double(1 << 23), 64)))
    // Whole vectors of the kernels.
    func half(_ extent: Int) -> Int { (extent + 31) / 32 * 16 }
    var (height, width) = (rows, columns)
    while most >= 2 {
      if height > width { height = half(height) } else { width = half(width) }
      most /= 2
    }
    (self.rows, self.columns) = (rows, columns)
    (self.height, self.width) = (height, width)
    across = (columns + width - 1) / width
    count = across * ((rows + height - 1) / height)
  }

  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = index.quotientAndRemainder(dividingBy: across)
    return (
      row * height..<min(rows, (row + 1) * height),
      column * width..<min(columns, (column + 1) * width)
    )
  }
}

/// One part of a product, on the calling thread.
@inline(never)
private func part(
  _ a: Matrix, _ aTransposed: Bool, _ b: Matrix, _ bTransposed: Bool, into c: Matrix,
  _ alpha: Float, _ beta: Float
) {
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
        unsafe OpenBLAS.shared.product(
          OpenBLAS.rowMajor, aTransposed ? OpenBLAS.transposed : OpenBLAS.plain,
          bTransposed ? OpenBLAS.transposed : OpenBLAS.plain, m, n, k, alpha, a.baseAddress, lda,
          b.baseAddress, ldb, beta, c.baseAddress, ldc)
      }
    }
  }
}
