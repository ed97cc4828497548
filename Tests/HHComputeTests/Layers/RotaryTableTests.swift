// Rotary positions against the rotation of pairs.

import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct RotaryTableTests {
  @Test("Every pair turns by its angle", arguments: [2, 4, 6, 16, 34])
  func rotation(headSize: Int) {
    let half = headSize / 2
    let frequencies = (0..<half).map { Float(pow(10000, -2 * Double($0) / Double(headSize))) }
    let table = RotaryTable(headSize: headSize, positions: 20, inverseFrequencies: frequencies)
    var samples = Samples(seed: 4)
    let x = samples.matrix(2 * 7, 3 * headSize)
    let before = x.doubles
    table.apply(to: x, length: 7, offset: 5)
    let expected = before.enumerated().flatMap { row, values in
      values.indices.map { column in
        let (head, i) = column.quotientAndRemainder(dividingBy: headSize)
        let angle = Double(row % 7 + 5) * Double(frequencies[i % half])
        let other = values[head * headSize + (i + half) % headSize]
        return values[column] * cos(angle) + (i < half ? -1 : 1) * other * sin(angle)
      }
    }
    expectClose(x.values, expected, tolerance: 1e-6)
  }

  @Test("A slice of rows starts again at its own first position")
  func offset() {
    let table = RotaryTable(headSize: 4, positions: 9, inverseFrequencies: [1, 0.1])
    var samples = Samples(seed: 5)
    let whole = Matrix(rows: 6, columns: 8, samples.values(48))
    let last = Matrix(rows: 1, columns: 8, whole.rows(5..<6).values)
    table.apply(to: whole, length: 6)
    table.apply(to: last, length: 1, offset: 5)
    #expect(whole.rows(5..<6).values == last.values)
  }

  @Test("A rotation's gradient turns back")
  func rotation() {
    let table = RotaryTable(headSize: 6, positions: 9, inverseFrequencies: [1, 0.3, 0.01])
    var samples = Samples(seed: 8)
    let x = samples.matrix(10, 12)
    let before = x.values.map(Double.init)
    table.apply(to: x, length: 5, offset: 3)
    table.backward(x, length: 5, offset: 3)
    expectClose(x.values, before, tolerance: 1e-6)
  }
}
