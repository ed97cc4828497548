// Elementwise operations against double-precision formulas.

import Glibc
import HHCompute
import Testing

@Suite struct ElementwiseTests {
  static let sizes = Array(0...35)

  @Test("Every activation agrees with its formula", arguments: Activation.allCases, sizes)
  func activation(_ activation: Activation, columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = samples.matrix(3, columns, spread: 9)
    let expected = x.doubles.joined().map { reference(activation, $0) }
    activation.apply(x)
    expectClose(x.values, expected, tolerance: 1e-6)
  }

  @Test("Activations reach their limits and keep a NaN", arguments: Activation.allCases)
  func limits(_ activation: Activation) {
    let x = Matrix(rows: 1, columns: 5, [-100, -30, 30, 100, .nan])
    activation.apply(x)
    let low = activation == .tanh ? -1.0 : 0
    let high = activation == .tanh ? [1.0, 1] : [30, 100]
    expectClose(Array(x.values[..<4]), [low, low] + high, tolerance: 1e-6)
    #expect(x[0, 4].isNaN)
  }

  @Test("Bias, residual and gating act on every element and on nothing else", arguments: sizes)
  func combinations(columns: Int) {
    var samples = Samples(seed: 1)
    let bias = samples.buffer(columns)
    let (x, y) = (samples.matrix(4, columns, spread: 3), samples.matrix(4, columns))
    let (before, other) = (x.doubles, y.doubles)
    addBias(bias, to: x)
    expectClose(x.values, before.flatMap { zip($0, bias.values).map { $0 + Double($1) } })
    let biased = x.doubles
    add(y, to: x)
    expectClose(x.values, zip(biased.joined(), other.joined()).map { $0 + $1 })
    let gate = x.doubles
    multiply(gate: x, up: y)
    expectClose(
      x.values, zip(gate.joined(), other.joined()).map { $0 / (1 + exp(-$0)) * $1 })
    #expect(x.buffer.span[0].isNaN && x.rows(1..<1).values.isEmpty)
  }

  @Test("A lookup copies the rows it is told to")
  func lookup() {
    var samples = Samples(seed: 2)
    let table = samples.matrix(5, 7)
    let out = Matrix(rows: 4, columns: 7)
    gatherRows(table, ids: [4, 0, 4, 2], into: out)
    #expect(out.values == [4, 0, 4, 2].flatMap { table.rows($0..<$0 + 1).values })
  }

  @Test("Many rows give what one row gives")
  func parallel() {
    var samples = Samples(seed: 3)
    let x = samples.matrix(700, 130, spread: 4)
    let expected = x.doubles.joined().map { reference(.gelu, $0) }
    Activation.gelu.apply(x)
    expectClose(x.values, expected, tolerance: 1e-6)
  }

  private func reference(_ activation: Activation, _ x: Double) -> Double {
    switch activation {
    case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .relu: max(0, x)
    case .silu: x / (1 + exp(-x))
    case .tanh: tanh(x)
    }
  }
}
