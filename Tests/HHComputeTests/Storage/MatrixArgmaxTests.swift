// The largest value of each row.

import HHCompute
import Testing

@Suite struct MatrixArgmaxTests {
  @Test("Each row gives the column of its largest value, of equal ones the first")
  func rows() {
    let matrix = Matrix(rows: 3, columns: 4, [1, 7, 7, 0, -3, -2, -1, -4, 5, 5, 5, 5])
    #expect(matrix.argmaxOfRows == [1, 2, 0])
    #expect(matrix.rows(1..<2).argmaxOfRows == [2])
    #expect(Matrix(rows: 0, columns: 4).argmaxOfRows.isEmpty)
  }

  @Test("A view counts from its own first column and leaves out what lies beside it")
  func view() {
    let matrix = Matrix(rows: 2, columns: 4, [9, 1, 2, 9, 9, 3, 2, 9])
    #expect(matrix.columns(1..<3).argmaxOfRows == [1, 0])
  }

  @Test("A NaN is chosen only where it comes first, and infinities are compared")
  func notFinite() {
    let matrix = Matrix(
      rows: 3, columns: 3, [0, .nan, 1, .nan, 2, 3, -.infinity, .infinity, 0])
    #expect(matrix.argmaxOfRows == [2, 0, 1])
  }
}
