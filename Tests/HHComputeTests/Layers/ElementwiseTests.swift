// Elementwise operations on matrices against double-precision formulas.

import HHCompute
import HHTestSupport
import Testing

@Suite struct ElementwiseTests {
  @Test(
    "Every activation agrees with its formula, on one thread and on several",
    arguments: Activation.allCases, [3, 300])
  func activation(_ activation: Activation, rows: Int) {
    var samples = Samples(seed: UInt64(rows))
    let x = samples.matrix(rows, 130, spread: 9)
    let expected = x.doubles.joined().map { HHTestSupport.activation(activation.rawValue, $0) }
    let out = Matrix(rows: rows, columns: 130)
    activation.apply(x, into: out)
    expectClose(out.values, expected, tolerance: 1e-6)
    activation.apply(x)
    #expect(x.values == out.values, "in place")
  }

  @Test("Bias, residual and gating act on every element and on nothing else", arguments: [3, 700])
  func combinations(rows: Int) {
    var samples = Samples(seed: 1)
    let bias = samples.buffer(50)
    let (x, y) = (samples.matrix(rows, 50, spread: 3), samples.matrix(rows, 50))
    let (before, other) = (x.doubles, y.doubles)
    addBias(bias, to: x)
    expectClose(x.values, before.flatMap { zip($0, bias.values).map { $0 + Double($1) } })
    let biased = x.doubles
    add(y, to: x)
    expectClose(x.values, zip(biased.joined(), other.joined()).map { $0 + $1 })
    let gate = x.doubles
    multiply(gate: x, up: y)
    expectClose(
      x.values,
      zip(gate.joined(), other.joined()).map { HHTestSupport.activation("silu", $0) * $1 })
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

  @Test(
    "Dropout keeps its share, scales it up and repeats itself", arguments: [Float(0), 0.1, 0.5])
  func dropoutMask(probability: Float) {
    let x = Matrix(rows: 300, columns: 70, [Float](repeating: 1, count: 21_000))
    let (out, again) = (Matrix(rows: 300, columns: 70), Matrix(rows: 300, columns: 70))
    dropout(x, probability: probability, key: 9, into: out)
    dropout(x, probability: probability, key: 9, into: again)
    #expect(out.values == again.values)
    let kept = out.values.filter { $0 != 0 }
    #expect(kept.allSatisfy { $0 == 1 / (1 - probability) })
    #expect(abs(Double(kept.count) / 21_000 - Double(1 - probability)) < 0.015)
    dropout(x, probability: probability, key: 10, into: again)
    #expect((out.values == again.values) == (probability == 0))
  }
}
