// A row-major view of a buffer.

internal import HHKernels

/// A row-major matrix: a view of part of a buffer, with a stride between rows.
///
/// Copies of the value share the elements; see `FloatBuffer` on concurrent use.
package struct Matrix: Sendable {
  /// The buffer that holds the elements.
  package let buffer: FloatBuffer
  /// Index of the first element in the buffer.
  package let offset: Int
  /// Number of rows.
  package let rows: Int
  /// Elements of a row.
  package let columns: Int
  /// Elements from the start of one row to the start of the next.
  package let stride: Int

  /// Creates a matrix of zeros in a buffer of its own.
  package init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "a matrix cannot have a negative size")
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    precondition(!overflow, "the matrix's size exceeds the address space")
    self.init(FloatBuffer(count: count), rows: rows, columns: columns)
  }

  /// Creates a view of `buffer`; elements outside the buffer are a programmer error.
  package init(
    _ buffer: FloatBuffer, offset: Int = 0, rows: Int, columns: Int, stride: Int? = nil
  ) {
    let stride = stride ?? columns
    precondition(offset >= 0 && rows >= 0 && columns >= 0, "a view cannot have a negative size")
    precondition(stride >= columns, "rows must not overlap")
    if rows > 0 && columns > 0 {
      let (last, overflow) = (rows - 1).multipliedReportingOverflow(by: stride)
      precondition(
        !overflow && offset <= buffer.count && last <= buffer.count - offset
          && columns <= buffer.count - offset - last, "the view exceeds its buffer")
    }
    self.buffer = buffer
    self.offset = offset
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Creates a matrix that holds `values`, row after row.
  package init(rows: Int, columns: Int, _ values: [Float]) {
    precondition(values.count == rows * columns, "as many values as elements")
    self.init(FloatBuffer(values), rows: rows, columns: columns)
  }

  /// The rows of `range`.
  package func rows(_ range: Range<Int>) -> Matrix {
    if range == 0..<rows { return self }
    precondition(0 <= range.lowerBound && range.upperBound <= rows, "rows outside the matrix")
    return Matrix(
      buffer, offset: range.isEmpty ? offset : offset + range.lowerBound * stride,
      rows: range.count, columns: columns, stride: stride)
  }

  /// The columns of `range`.
  package func columns(_ range: Range<Int>) -> Matrix {
    precondition(0 <= range.lowerBound && range.upperBound <= columns, "columns outside the matrix")
    return Matrix(
      buffer, offset: range.isEmpty ? offset : offset + range.lowerBound, rows: rows,
      columns: range.count, stride: stride)
  }

  /// The elements of some rows and columns.
  func part(rows: Range<Int>, columns: Range<Int>) -> Matrix {
    precondition(
      0 <= rows.lowerBound && rows.upperBound <= self.rows && 0 <= columns.lowerBound
        && columns.upperBound <= self.columns, "a part outside the matrix")
    let start = rows.isEmpty || columns.isEmpty ? 0 : rows.lowerBound * stride + columns.lowerBound
    return Matrix(
      buffer, offset: offset + start, rows: rows.count, columns: columns.count, stride: stride)
  }

  /// The element at `row` and `column`; for tests and small loops.
  package subscript(row: Int, column: Int) -> Float {
    get { buffer.span[index(row, column)] }
    nonmutating set {
      var span = buffer.mutableSpan
      span[index(row, column)] = newValue
    }
  }

  /// A copy of the elements, row after row.
  package var values: [Float] {
    var values: [Float] = []
    values.reserveCapacity(rows * columns)
    for row in 0..<rows { for column in 0..<columns { values.append(self[row, column]) } }
    return values
  }

  private func index(_ row: Int, _ column: Int) -> Int {
    precondition(0 <= row && row < rows && 0 <= column && column < columns, "element index")
    return offset + row * stride + column
  }

  var layout: RowLayout { RowLayout(rows: rows, columns: columns, stride: stride) }

  /// The elements from the first to the last, gaps included.
  var span: Span<Float> {
    @_lifetime(borrow self)
    get {
      let span = buffer.span(offset..<offset + layout.extent)
      // Safe: self holds the buffer, which owns the elements.
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// As `span`, for writing.
  var mutableSpan: MutableSpan<Float> {
    @_lifetime(borrow self)
    get {
      let span = buffer.mutableSpan(offset..<offset + layout.extent)
      // Safe: self holds the buffer, which owns the elements.
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }
}
