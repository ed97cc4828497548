// Products of a few rows with weights of 32 or 16 bits, as in decoding.

internal import HHKernels

/// Rows up to which reading the weights bounds a product, so that it is faster than one that copies
/// or widens them first.
package let maximumSmallBatch = 8

extension HalfMatrix {
  /// y = x op(W), where op transposes if told so; x has at most `maximumSmallBatch` rows. Accumulates in
  /// float32, in an order that depends neither on the number of threads nor on other rows.
  package func product(_ x: Matrix, transposed: Bool, into y: Matrix) {
    fewRowsProduct(x, .half(self), transposed: transposed, into: y)
  }
}

/// A matrix of weights, however stored.
enum StoredWeight {
  case float32(Matrix)
  case half(HalfMatrix)

  var rows: Int {
    switch self {
    case .float32(let matrix): matrix.rows
    case .half(let matrix): matrix.rows
    }
  }

  var columns: Int {
    switch self {
    case .float32(let matrix): matrix.columns
    case .half(let matrix): matrix.columns
    }
  }
}

/// Weights that are worth a thread; a few hundred kilobytes.
private let share = 1 << 17

/// y = x op(W) for at most `maximumSmallBatch` rows, as `HalfMatrix.product`.
func fewRowsProduct(_ x: Matrix, _ weight: StoredWeight, transposed: Bool, into y: Matrix) {
  let (rows, columns) = (weight.rows, weight.columns)
  precondition(x.rows <= maximumSmallBatch && x.rows == y.rows, "product: few rows")
  precondition(
    (transposed ? (columns, rows) : (rows, columns)) == (x.columns, y.columns),
    "product: \(x.rows) × \(x.columns) to \(y.columns) by \(rows) × \(columns)")
  guard x.rows > 0 && y.columns > 0 else { return }
  guard x.columns > 0 else { return clear(y) }
  // Whole rows of weights, so that memory is read from end to end.
  if transposed {
    parallelFor(count: rows, grain: (max(1, share / max(1, columns)) + 3) & ~3) { range, _ in
      multiply(x, weight, rows: range, transposed: true, into: y.columns(range))
    }
    return
  }
  // Sums of parts of the inputs, and their sum. The parts depend on the extents of W alone.
  let parts = max(1, min(mostParts, rows * columns / (2 * share)))
  let grain = ((rows + parts - 1) / parts + 7) & ~7
  guard parts > 1 && grain < rows else {
    return multiply(x, weight, rows: 0..<rows, transposed: false, into: y)
  }
  let count = (rows + grain - 1) / grain
  let sums = Matrix(rows: x.rows * count, columns: columns)
  parallelFor(count: rows, grain: grain) { range, _ in
    let part = Matrix(
      sums.buffer, offset: range.lowerBound / grain * columns, rows: x.rows, columns: columns,
      stride: count * columns)
    multiply(x.columns(range), weight, rows: range, transposed: false, into: part)
  }
  let ones = Matrix(rows: 1, columns: count, [Float](repeating: 1, count: count))
  for row in 0..<x.rows {
    let parts = sums.rows(row * count..<(row + 1) * count)
    multiply(
      ones, .float32(parts), rows: 0..<count, transposed: false, into: y.rows(row..<row + 1))
  }
}

/// Most parts of the inputs: their sums are added by one thread.
private let mostParts = 8

/// The product with some rows of the weights, on the calling thread.
@inline(never)
private func multiply(
  _ x: Matrix, _ weight: StoredWeight, rows: Range<Int>, transposed: Bool, into y: Matrix
) {
  let input = x.span
  var output = y.mutableSpan
  switch weight {
  case .float32(let matrix):
    let part = matrix.rows(rows)
    let elements = part.span
    // Safe: every byte of a float is one to read.
    let bytes = unsafe elements.bytes
    fewRowsProduct(
      input, x.layout, weight: bytes, part.layout, .float32, transposed: transposed, into: &output,
      y.layout)
  case .half(let matrix):
    let (bits, columns) = (matrix.bits, matrix.columns)
    let all = bits.span
    // Safe: as above.
    let bytes = unsafe all.bytes
    let part = bytes.extracting(2 * rows.lowerBound * columns..<2 * rows.upperBound * columns)
    fewRowsProduct(
      input, x.layout, weight: part,
      RowLayout(rows: rows.count, columns: columns, stride: columns),
      matrix.format == .float16 ? .float16 : .bfloat16, transposed: transposed, into: &output,
      y.layout)
  }
}
