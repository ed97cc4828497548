// Normalisation against double-precision formulas.

import HHCompute
import HHFormat
import Testing

@Suite struct NormalizationTests {
  @Test("Layer norm has mean and variance removed", arguments: 1...35)
  func layer(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = samples.matrix(3, columns, spread: 5)
    let (weight, bias) = (samples.buffer(columns), samples.buffer(columns))
    let expected = x.doubles.flatMap { row in
      let mean = row.reduce(0, +) / Double(columns)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
      return row.indices.map {
        (row[$0] - mean) / (variance + 1e-5).squareRoot() * Double(weight.values[$0])
          + Double(bias.values[$0])
      }
    }
    let out = Matrix(rows: 3, columns: columns)
    layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5, into: out)
    expectClose(out.values, expected)
    layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5, into: x)
    #expect(x.values == out.values, "in place")
  }

  @Test("A large mean does not spoil the variance")
  func offset() {
    var samples = Samples(seed: 9)
    let x = Matrix(rows: 1, columns: 64, samples.values(64).map { $0 + 4096 })
    let row = x.doubles[0]
    let mean = row.reduce(0, +) / 64
    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 64
    let ones = FloatBuffer([Float](repeating: 1, count: 64))
    layerNorm(x, weight: ones, bias: FloatBuffer(count: 64), epsilon: 1e-5, into: x)
    let expected = row.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
    expectClose(x.values, expected, tolerance: 1e-3)
  }

  @Test("RMS norm divides by the root of the mean square", arguments: 1...35)
  func rootMeanSquare(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = samples.matrix(3, columns, spread: 5)
    let weight = samples.buffer(columns)
    let expected = x.doubles.flatMap { row in
      let square = row.reduce(0) { $0 + $1 * $1 } / Double(columns)
      return row.indices.map {
        row[$0] / (square + 1e-6).squareRoot() * Double(weight.values[$0])
      }
    }
    rmsNorm(x, weight: weight, epsilon: 1e-6, into: x)
    expectClose(x.values, expected)
  }
}
