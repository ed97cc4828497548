// Gradients of linear maps, biases and lookups.

import HHCompute
import HHTestSupport
import Testing

@Suite struct LinearBackwardTests {
  @Test("A linear map's gradients are products, in either orientation", arguments: [false, true])
  func linearMap(isInputMajor: Bool) {
    var samples = Samples(seed: 6)
    let (x, dY) = (samples.matrix(7, 5), samples.matrix(7, 4))
    let matrix = isInputMajor ? samples.matrix(5, 4) : samples.matrix(4, 5)
    let weight = LinearWeight(matrix, isInputMajor: isInputMajor)
    func w(_ o: Int, _ i: Int) -> Double {
      Double(isInputMajor ? matrix[i, o] : matrix[o, i])
    }
    let dX = Matrix(rows: 7, columns: 5)
    linearBackward(dY, weight, into: dX)
    expectClose(
      dX.values,
      (0..<7).flatMap { row in
        (0..<5).map { i in (0..<4).reduce(0.0) { $0 + Double(dY[row, $1]) * w($1, i) } }
      })
    let sum = Matrix(rows: matrix.rows, columns: matrix.columns)
    let gradient = LinearWeight(sum, isInputMajor: isInputMajor)
    for _ in 0..<2 { addWeightGradient(x: x, dY: dY, to: gradient) }
    for o in 0..<4 {
      for i in 0..<5 {
        let expected = (0..<7).reduce(0.0) { $0 + Double(dY[$1, o]) * Double(x[$1, i]) }
        expectClose([isInputMajor ? sum[i, o] : sum[o, i]], [2 * expected])
      }
    }
  }

  @Test("A bias gets the sum of rows and a lookup gives its rows back", arguments: [1, 64, 130])
  func sums(columns: Int) {
    var samples = Samples(seed: 7)
    let dY = samples.matrix(200, columns)
    let bias = FloatBuffer([Float](repeating: 1, count: columns))
    addBiasGradient(dY, to: bias)
    expectClose(
      bias.values,
      (0..<columns).map { column in (0..<200).reduce(1.0) { $0 + Double(dY[$1, column]) } })
    let table = Matrix(rows: 3, columns: columns)
    let ids = (0..<200).map { Int32($0 % 3 == 0 ? 2 : 0) }
    scatterRows(dY, ids: ids, to: table)
    expectClose(
      table.values,
      (0..<3).flatMap { id in
        (0..<columns).map { column in
          (0..<200).reduce(0.0) { $0 + (Int(ids[$1]) == id ? Double(dY[$1, column]) : 0) }
        }
      })
  }
}
