// Elementwise kernels against formulas, element by element.

import HHKernels
import HHTestSupport
import Testing

@Suite("Elementwise kernels")
struct ElementwiseTests {
  @Test("bias and sum are one rounded addition per element", arguments: counts)
  func additions(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    var x = Grid(rows: 3, columns: columns, &samples)
    let y = Grid(rows: 3, columns: columns, &samples)
    let bias = samples.values(columns)
    let before = x.values
    x.change { addBias(&$0, $1, bias: bias.span) }
    let biased = zip(before, [bias, bias, bias].joined()).map { $0 + $1 }
    #expect(x.values == biased)
    x.change { add(&$0, $1, y.span, y.layout) }
    #expect(x.values == zip(biased, y.values).map { $0 + $1 })
    #expect(x.isIntact)
  }

  @Test("a scaled sum rounds an element alike wherever it lies", arguments: counts)
  func scaledSum(count: Int) {
    var samples = Samples(seed: UInt64(count))
    let (y, before) = (samples.values(count), samples.values(count + 5))
    var whole = before
    whole.change { addScaled(y.span, factor: 0.3, to: &$0, at: 3) }
    let expected = before.indices.map { index in
      Double(before[index])
        + (3..<3 + count ~= index ? Double(0.3 as Float) * Double(y[index - 3]) : 0)
    }
    expectClose(whole, expected, tolerance: 2e-7)
    #expect(whole.prefix(3) == before.prefix(3) && whole.suffix(2) == before.suffix(2))
    var pieces = before
    for index in 0..<count {
      let one = [y[index]]
      pieces.change { addScaled(one.span, factor: 0.3, to: &$0, at: 3 + index) }
    }
    #expect(pieces == whole)
  }

  @Test("every activation follows its formula", arguments: ElementwiseFunction.allCases, counts)
  func activations(_ function: ElementwiseFunction, columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = Grid(rows: 3, columns: columns, &samples, spread: 9)
    var out = Grid(rows: 3, columns: columns)
    out.change { apply(function, to: x.span, x.layout, into: &$0, $1) }
    expectClose(out.values, x.doubles.map { activation(function.rawValue, $0) }, tolerance: 1e-6)
    #expect(out.isIntact)
  }

  @Test("activations reach their limits and keep a NaN", arguments: ElementwiseFunction.allCases)
  func limits(_ function: ElementwiseFunction) {
    let x: [Float] = [-100, -30, 30, 100, .nan]
    let layout = RowLayout(rows: 1, columns: 5, stride: 5)
    var out = x
    out.change { apply(function, to: x.span, layout, into: &$0, layout) }
    let low = function == .tanh ? -1.0 : 0
    let high = function == .tanh ? [1.0, 1] : [30, 100]
    expectClose(Array(out.prefix(4)), [low, low] + high, tolerance: 1e-6)
    #expect(out[4].isNaN)
  }

  @Test("gating multiplies by silu of the gate", arguments: counts)
  func gating(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let gate = Grid(rows: 2, columns: columns, &samples, spread: 9)
    let up = Grid(rows: 2, columns: columns, &samples)
    var out = Grid(rows: 2, columns: columns)
    out.change { siluMultiply(gate.span, gate.layout, up.span, up.layout, into: &$0, $1) }
    let expected = zip(gate.doubles, up.doubles).map { activation("silu", $0) * $1 }
    expectClose(out.values, expected, tolerance: 1e-6)
    #expect(out.isIntact)
  }

  @Test("dropout decides by an element's place in the whole, not by the rows of a call")
  func dropoutRows() {
    for columns in counts {
      var x = Grid(rows: 6, columns: columns)
      for row in 0..<6 { for column in 0..<columns { x[row, column] = 1 } }
      var (whole, again, tail) = (x, x, Grid(rows: 2, columns: columns))
      whole.change {
        dropout(
          x.span, x.layout, firstRow: 0, key: 7, probability: 0.25, into: &$0, $1)
      }
      again.change {
        dropout(x.span, x.layout, firstRow: 0, key: 8, probability: 0, into: &$0, $1)
      }
      tail.change {
        dropout(x.span, $1, firstRow: 4, key: 7, probability: 0.25, into: &$0, $1)
      }
      #expect(Set(whole.values).isSubset(of: [0, 4 / 3]))
      #expect(Array(whole.values.suffix(2 * columns)) == tail.values)
      #expect(again.values == x.values)
      #expect(whole.isIntact && tail.isIntact)
    }
  }

  @Test("shapes that differ, a start before the first element and a certain loss stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      var x = Grid(rows: 2, columns: 3)
      let y = Grid(rows: 3, columns: 2)
      x.change { add(&$0, $1, y.span, y.layout) }
    }
    await #expect(processExitsWith: .failure) {
      var x: [Float] = [0, 0]
      x.change { addScaled([1].span, factor: 1, to: &$0, at: -1) }
    }
    await #expect(processExitsWith: .failure) {
      var x = Grid(rows: 1, columns: 1)
      let y = x
      x.change { dropout(y.span, $1, firstRow: 0, key: 0, probability: 1, into: &$0, $1) }
    }
  }
}
