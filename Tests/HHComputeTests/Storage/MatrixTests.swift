// Views of a buffer as a matrix.

import HHCompute
import Testing

@Suite struct MatrixTests {
  let matrix = Matrix(rows: 3, columns: 4, (0..<12).map(Float.init))

  @Test("Rows and columns are views of the same elements")
  func views() {
    let part = matrix.rows(1..<3).columns(2..<4)
    #expect(part.values == [6, 7, 10, 11])
    part[1, 0] = -1
    #expect(matrix[2, 2] == -1)
  }

  @Test("Empty views lie anywhere")
  func empty() {
    #expect(matrix.rows(3..<3).values.isEmpty)
    #expect(matrix.columns(4..<4).values.isEmpty)
    #expect(matrix.rows(3..<3).columns(4..<4).values.isEmpty)
  }

  @Test("A view that exceeds its buffer stops the program")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      _ = Matrix(FloatBuffer(count: 11), rows: 3, columns: 4)
    }
    await #expect(processExitsWith: .failure) {
      _ = Matrix(FloatBuffer(count: 12), rows: 3, columns: 4).rows(2..<4)
    }
  }
}
