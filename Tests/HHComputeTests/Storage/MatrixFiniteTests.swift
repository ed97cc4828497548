// Whether values are numbers, wherever one is not.

import HHCompute
import Testing

@Suite struct MatrixFiniteTests {
  @Test(
    "One value that is not a number is found in its view and in no other",
    arguments: [Float.nan, .infinity, -.infinity, .signalingNaN])
  func finds(value: Float) {
    let buffer = FloatBuffer(count: 3 * 40)
    let view = Matrix(buffer, offset: 1, rows: 3, columns: 37, stride: 40)
    for row in 0..<3 {
      for column in [0, 16, 36] {
        view[row, column] = value
        #expect(!view.isFinite && !buffer.isFinite)
        #expect(!view.rows(row..<row + 1).isFinite)
        #expect(view.rows(row + 1..<3).isFinite && view.columns(0..<column).isFinite)
        view[row, column] = .greatestFiniteMagnitude
      }
    }
    // A value between the rows of the view is not its own.
    var span = buffer.mutableSpan
    span[38] = value
    #expect(view.isFinite && !buffer.isFinite)
  }

  @Test("The largest magnitudes are numbers, and of nothing everything is one")
  func bounds() {
    let largest = Float.greatestFiniteMagnitude
    #expect(Matrix(rows: 1, columns: 3, [-largest, largest, .leastNonzeroMagnitude]).isFinite)
    #expect(Matrix(rows: 0, columns: 4).isFinite && FloatBuffer(count: 0).isFinite)
  }
}
