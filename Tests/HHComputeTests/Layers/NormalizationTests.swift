// Normalisation of matrices, on one thread and on several, against double-precision formulas.

import HHCompute
import HHTestSupport
import Testing

@Suite struct NormalizationTests {
  @Test("Layer norm has mean and variance removed", arguments: [3, 1000])
  func layer(rows: Int) {
    var samples = Samples(seed: UInt64(rows))
    let x = samples.matrix(rows, 35, spread: 5)
    let (weight, bias) = (samples.buffer(35), samples.buffer(35))
    let expected = x.doubles.flatMap { row in
      let mean = row.reduce(0, +) / 35
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 35
      return row.indices.map {
        (row[$0] - mean) / (variance + 1e-5).squareRoot() * Double(weight.values[$0])
          + Double(bias.values[$0])
      }
    }
    let out = Matrix(rows: rows, columns: 35)
    layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5, into: out)
    expectClose(out.values, expected)
    layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5, into: x)
    #expect(x.values == out.values, "in place")
  }

  @Test("RMS norm divides by the root of the mean square", arguments: [3, 1000])
  func rootMeanSquare(rows: Int) {
    var samples = Samples(seed: UInt64(rows))
    let x = samples.matrix(rows, 35, spread: 5)
    let weight = samples.buffer(35)
    let expected = x.doubles.flatMap { row in
      let square = row.reduce(0) { $0 + $1 * $1 } / 35
      return row.indices.map {
        row[$0] / (square + 1e-6).squareRoot() * Double(weight.values[$0])
      }
    }
    let out = Matrix(rows: rows, columns: 35)
    rmsNorm(x, weight: weight, epsilon: 1e-6, into: out)
    expectClose(out.values, expected)
    rmsNorm(x, weight: weight, epsilon: 1e-6, into: x)
    #expect(x.values == out.values, "in place")
  }
}
