// Products of a few rows with weights of 16 bits.

internal import HHKernels

extension HalfMatrix {
  /// Rows up to which `product` beats widening the weights and a product of matrices.
  package static let fewRows = 8

  /// Outputs per call of a kernel for W stored by outputs: long rows, and calls for every thread.
  private static let grain = 128

  /// y = x op(W), where op transposes if told so; x has at most `fewRows` rows. Accumulates in
  /// float32, in an order that depends neither on the number of threads nor on other rows.
  package func product(_ x: Matrix, transposed: Bool, into y: Matrix) {
    let (inputs, outputs) = transposed ? (columns, rows) : (rows, columns)
    precondition(x.rows <= Self.fewRows, "product: few rows")
    precondition(
      x.columns == inputs && y.columns == outputs && x.rows == y.rows,
      "product: \(x.rows) × \(x.columns) with \(inputs) × \(outputs)")
    // Stored by inputs, a call reads a piece of every row: long pieces, or the memory stalls.
    let share = (outputs + ThreadPolicy.threads - 1) / ThreadPolicy.threads
    parallelFor(count: outputs, grain: transposed ? Self.grain : max(64, (share + 63) & ~63)) {
      range, _ in
      let target = y.columns(range)
      if transposed {
        self.multiplyRows(range, x, into: target)
      } else {
        self.multiplyColumns(range, x, into: target)
      }
    }
  }

  @inline(never)
  private func multiplyRows(_ range: Range<Int>, _ x: Matrix, into y: Matrix) {
    let bits = bits
    let (input, all) = (x.span, bits.span)
    // Safe: every byte of a float is one to read.
    let bytes = unsafe all.bytes
    let weight = bytes.extracting(
      2 * range.lowerBound * columns..<2 * range.upperBound * columns)
    var output = y.mutableSpan
    halfProductRows(
      input, x.layout, weight: weight, isBF16: format == .bfloat16, into: &output, y.layout)
  }

  @inline(never)
  private func multiplyColumns(_ range: Range<Int>, _ x: Matrix, into y: Matrix) {
    let layout = RowLayout(rows: rows, columns: range.count, stride: columns)
    let bits = bits
    let (input, all) = (x.span, bits.span)
    // Safe: every byte of a float is one to read.
    let bytes = unsafe all.bytes
    let weight = bytes.extracting(
      2 * range.lowerBound..<2 * (range.lowerBound + layout.extent))
    var output = y.mutableSpan
    halfProductColumns(
      input, x.layout, weight: weight, layout, isBF16: format == .bfloat16, into: &output, y.layout)
  }
}
