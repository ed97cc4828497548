// How matrices lie in spans, and spans as the addresses that kernels take.

internal import CHHKernels

/// Where the rows of a row-major matrix lie in a span that starts at its first element.
package struct RowLayout: Sendable {
  /// Number of rows.
  package let rows: Int
  /// Elements of a row.
  package let columns: Int
  /// Elements from the start of one row to the start of the next.
  package let stride: Int

  /// Creates a layout; negative sizes and rows that overlap are programmer errors.
  package init(rows: Int, columns: Int, stride: Int) {
    precondition(rows >= 0 && columns >= 0 && stride >= columns, "rows must not overlap")
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Whether another layout has as many rows and columns.
  func hasShape(of other: RowLayout) -> Bool { rows == other.rows && columns == other.columns }

  /// Elements from the first to behind the last.
  package var extent: Int { rows == 0 || columns == 0 ? 0 : (rows - 1) * stride + columns }
}

extension Span<Float> {
  /// Runs `body` on the address of the elements, of which there must be at least `needed`.
  func address(
    needing needed: Int, _ body: (UnsafePointer<Float>) -> Void
  ) {
    precondition(count >= needed, "the matrix is larger than its span")
    guard needed > 0 else { return }
    // Safe: the address does not leave `body`, and the callers read `needed` elements at most.
    unsafe withUnsafeBufferPointer {
      if let base = $0.baseAddress { unsafe body(base) }
    }
  }
}

extension MutableSpan<Float> {
  /// Runs `body` on the address of the elements, of which there must be at least `needed`.
  mutating func address(
    needing needed: Int, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(count >= needed, "the matrix is larger than its span")
    guard needed > 0 else { return }
    // Safe: the address does not leave `body`, and the callers write `needed` elements at most.
    unsafe withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { unsafe body(base) }
    }
  }
}
