import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct LinearProjectionTests {
  /// The columns of the initial W.
  private func columns(headSize: Int, size: Int) -> [[Double]] {
    let weight = LinearProjection(size: size, hasBias: false).initialValues(headSize: headSize)[0]
    return (0..<size).map { column in
      (0..<headSize).map { Double(weight[$0 * size + column]) }
    }
  }

  @Test("A projection starts at the identity, and no bias", arguments: [(3, 3), (5, 2), (2, 5)])
  func identity(headSize: Int, size: Int) {
    for (column, values) in columns(headSize: headSize, size: size).enumerated()
    where column < headSize {
      #expect(values == (0..<headSize).map { $0 == column ? 1 : 0 })
    }
    let values = LinearProjection(size: size, hasBias: true).initialValues(headSize: headSize)
    #expect(values.count == 2 && values[1] == [Float](repeating: 0, count: size))
  }

  @Test("Further columns are unit vectors, orthogonal in blocks and all different")
  func further() {
    let columns = columns(headSize: 4, size: 11)
    for column in columns { #expect(abs(dot(column, column) - 1) < 1e-6) }
    for block in [4..<8, 8..<11] {
      for a in block {
        for b in block where b < a { #expect(abs(dot(columns[a], columns[b])) < 1e-6) }
      }
    }
    #expect(Set(columns).count == 11)
    #expect(columns == self.columns(headSize: 4, size: 11), "the same every time")
  }

  @Test("Mirrored halves and their gradient belong together")
  func mirrors() {
    let u = Matrix(rows: 2, columns: 2, [1, 2, 3, 4])
    let phi = Matrix(rows: 2, columns: 4)
    mirror(u, factor: 2, into: phi)
    #expect(phi.values == [2, 4, -2, -4, 6, 8, -6, -8])
    let dU = Matrix(rows: 2, columns: 2)
    unmirror(Matrix(rows: 2, columns: 4, [1, 2, 3, 4, 5, 6, 7, 8]), factor: 2, into: dU)
    #expect(dU.values == [-4, -4, -4, -4])
  }
}
