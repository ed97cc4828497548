// Norms against double-precision formulas.

import HHKernels
import HHTestSupport
import Testing

@Suite("Normalisation kernels")
struct NormalizationTests {
  @Test("layer norm removes mean and variance", arguments: counts.dropFirst())
  func layer(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = Grid(rows: 3, columns: columns, &samples, spread: 5)
    let (weight, bias) = (samples.values(columns), samples.values(columns))
    var out = Grid(rows: 3, columns: columns)
    out.change {
      layerNorm(
        x.span, x.layout, weight: weight.span, bias: bias.span, epsilon: 1e-5, into: &$0, $1)
    }
    let expected = x.rows.flatMap { row in
      let mean = row.reduce(0, +) / Double(columns)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
      return row.indices.map {
        (row[$0] - mean) / (variance + 1e-5).squareRoot() * Double(weight[$0]) + Double(bias[$0])
      }
    }
    expectClose(out.values, expected)
    #expect(out.isIntact)
  }

  @Test("a large mean does not spoil the variance")
  func offset() {
    var samples = Samples(seed: 9)
    var x = Grid(rows: 1, columns: 64, &samples)
    for column in 0..<64 { x[0, column] += 4096 }
    let row = x.doubles
    let mean = row.reduce(0, +) / 64
    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 64
    var out = Grid(rows: 1, columns: 64)
    let (ones, zeros) = ([Float](repeating: 1, count: 64), [Float](repeating: 0, count: 64))
    out.change {
      layerNorm(x.span, x.layout, weight: ones.span, bias: zeros.span, epsilon: 1e-5, into: &$0, $1)
    }
    expectClose(
      out.values, row.map { ($0 - mean) / (variance + 1e-5).squareRoot() }, tolerance: 1e-3)
  }

  @Test("RMS norm divides by the root of the mean square", arguments: counts.dropFirst())
  func rootMeanSquare(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = Grid(rows: 3, columns: columns, &samples, spread: 5)
    let weight = samples.values(columns)
    var out = Grid(rows: 3, columns: columns)
    out.change {
      rmsNorm(x.span, x.layout, weight: weight.span, epsilon: 1e-6, into: &$0, $1)
    }
    let expected = x.rows.flatMap { row in
      let square = row.reduce(0) { $0 + $1 * $1 } / Double(columns)
      return row.indices.map { row[$0] / (square + 1e-6).squareRoot() * Double(weight[$0]) }
    }
    expectClose(out.values, expected)
    #expect(out.isIntact)
  }

  @Test("an output of another shape stops the program")
  func shapes() async {
    await #expect(processExitsWith: .failure) {
      let x = Grid(rows: 2, columns: 3)
      var out = Grid(rows: 3, columns: 2)
      out.change {
        rmsNorm(x.span, x.layout, weight: [1, 1, 1].span, epsilon: 1e-5, into: &$0, $1)
      }
    }
  }
}
