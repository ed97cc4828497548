// Backward passes of layers, and losses, against differences of their formulas.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Backward kernels")
struct BackwardTests {
  @Test(
    "an activation's gradient is the slope of its formula",
    arguments: ElementwiseFunction.allCases, counts)
  func activations(_ function: ElementwiseFunction, columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let before = Grid(rows: 3, columns: columns, &samples, spread: 6)
    let arriving = Grid(rows: 3, columns: columns, &samples)
    var (x, gradient) = (before, arriving)
    x.change { x, layout in
      gradient.change { applyBackward(function, &x, layout, gradient: &$0, $1) }
    }
    func formula(_ x: Double) -> Double { activation(function.rawValue, x) }
    expectClose(x.values, before.doubles.map(formula), tolerance: 1e-6)
    let slopes = before.doubles.map { (formula($0 + 1e-6) - formula($0 - 1e-6)) / 2e-6 }
    expectClose(gradient.values, zip(slopes, arriving.doubles).map { $0 * $1 }, tolerance: 2e-6)
    #expect(x.isIntact && gradient.isIntact)
  }

  @Test("gating gives its own output and both gradients", arguments: counts)
  func gating(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let g = Grid(rows: 2, columns: columns, &samples, spread: 4)
    let u = Grid(rows: 2, columns: columns, &samples, spread: 2)
    let arriving = Grid(rows: 2, columns: columns, &samples)
    var (gate, up, gradient) = (g, u, arriving)
    gate.change { gate, gateLayout in
      up.change { up, upLayout in
        gradient.change {
          siluMultiplyBackward(gate: &gate, gateLayout, up: &up, upLayout, gradient: &$0, $1)
        }
      }
    }
    func slope(_ x: Double) -> Double {
      (activation("silu", x + 1e-6) - activation("silu", x - 1e-6)) / 2e-6
    }
    let (a, b, d) = (g.doubles, u.doubles, arriving.doubles)
    expectClose(gradient.values, zip(a, b).map { activation("silu", $0) * $1 }, tolerance: 1e-6)
    expectClose(gate.values, d.indices.map { d[$0] * b[$0] * slope(a[$0]) }, tolerance: 2e-6)
    expectClose(up.values, zip(d, a).map { $0 * activation("silu", $1) }, tolerance: 2e-6)
    #expect(gate.isIntact && up.isIntact && gradient.isIntact)
  }

  @Test("column sums and scattered rows add to what is there", arguments: counts)
  func sums(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = Grid(rows: 9, columns: columns, &samples)
    let start = samples.values(columns)
    var sums = start
    sums.change { addColumnSums(of: x.span, x.layout, to: &$0) }
    let expected = (0..<columns).map { column in
      (0..<9).reduce(Double(start[column])) { $0 + Double(x[$1, column]) }
    }
    expectClose(sums, expected)
    let before = Grid(rows: 4, columns: columns, &samples)
    var table = before
    let ids: [Int32] = [3, 0, 3, 2, 0, 0, 3, 3, 2]
    table.change { scatterRows(x.span, x.layout, ids: ids.span, to: &$0, $1) }
    let rows = (0..<4).flatMap { id in
      (0..<columns).map { column in
        (0..<9).reduce(Double(before[id, column])) {
          $0 + (Int(ids[$1]) == id ? Double(x[$1, column]) : 0)
        }
      }
    }
    expectClose(table.values, rows)
    #expect(table.isIntact)
  }

  @Test(
    "the gradients of norms follow their formulas", arguments: counts.dropFirst(), [false, true])
  func norms(columns: Int, hasMean: Bool) {
    var samples = Samples(seed: UInt64(columns))
    let x = Grid(rows: 3, columns: columns, &samples, spread: 3)
    let dOut = Grid(rows: 3, columns: columns, &samples)
    let weight = samples.values(columns)
    let start = samples.values(hasMean ? 2 * columns : columns)
    func run(_ dX: inout Grid, _ parameters: inout [Float]) {
      dX.change { dX, layout in
        parameters.change {
          if hasMean {
            layerNormBackward(
              x.span, x.layout, weight: weight.span, epsilon: 1e-2, dOut: dOut.span, dOut.layout,
              into: &dX, layout, dParameters: &$0)
          } else {
            rmsNormBackward(
              x.span, x.layout, weight: weight.span, epsilon: 1e-2, dOut: dOut.span, dOut.layout,
              into: &dX, layout, dParameters: &$0)
          }
        }
      }
    }
    var (dX, dParameters) = (Grid(rows: 3, columns: columns), start)
    run(&dX, &dParameters)
    /// A row without weight and bias.
    func normal(_ row: [Double]) -> [Double] {
      let mean = hasMean ? row.reduce(0, +) / Double(columns) : 0
      let square = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
      return row.map { ($0 - mean) / (square + 1e-2).squareRoot() }
    }
    let (rows, arriving) = (x.rows, dOut.rows)
    let expected = (0..<3).flatMap { row in
      let factors = zip(arriving[row], weight).map { $0 * Double($1) }
      return differences(rows[row]) { dot(factors, normal($0)) }
    }
    expectClose(dX.values, expected)
    let normals = rows.map(normal)
    let dWeight = (0..<columns).map { column in
      (0..<3).reduce(0.0) { $0 + arriving[$1][column] * normals[$1][column] }
    }
    let dBias = (0..<columns).map { column in arriving.reduce(0.0) { $0 + $1[column] } }
    let gradients = hasMean ? dWeight + dBias : dWeight
    expectClose(dParameters, zip(start, gradients).map { Double($0) + $1 })
    var (frozen, none) = (Grid(rows: 3, columns: columns), [Float]())
    run(&frozen, &none)
    #expect(frozen.values == dX.values && dX.isIntact)
  }

  @Test(
    "losses count the labelled rows, and their gradients take the place of the predictions",
    arguments: [RowLoss.crossEntropy, .teacherDivergence(temperature: 2.5), .squaredError],
    counts.dropFirst())
  func losses(_ loss: RowLoss, columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = Grid(rows: 5, columns: columns, &samples, spread: 5)
    let target = Grid(rows: 5, columns: columns, &samples, spread: 5)
    let labels: [Int32] = [0, Int32(columns - 1), -100, Int32(columns / 2), -1]
    func formula(_ row: [Double], _ goal: [Double], _ label: Int32) -> Double {
      switch loss {
      case .crossEntropy: -log(softmax(row)[Int(label)])
      case .teacherDivergence(let temperature):
        zip(
          softmax(goal.map { $0 / Double(temperature) }),
          softmax(row.map { $0 / Double(temperature) })
        )
        .reduce(0) { $0 + $1.0 * log($1.0 / $1.1) } * Double(temperature * temperature)
      case .squaredError: zip(row, goal).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    func run(_ x: inout Grid, gradient: Bool) -> [Float] {
      var losses = [Float](repeating: .nan, count: 5)
      let goal = LossTarget(target.span, target.layout, labels: labels.span)
      x.change { x, layout in
        losses.change {
          rowLoss(loss, &x, layout, goal, weight: 0.25, gradient: gradient, into: &$0)
        }
      }
      return losses
    }
    var (kept, changed) = (x, x)
    let losses = run(&kept, gradient: false)
    #expect(kept.values == x.values)
    #expect(run(&changed, gradient: true) == losses && changed.isIntact)
    var (expected, gradient) = ([Double](), [Double]())
    for (row, values) in x.rows.enumerated() {
      guard labels[row] >= 0 else {
        expected.append(0)
        gradient += values.map { _ in 0 }
        continue
      }
      expected.append(formula(values, target.rows[row], labels[row]))
      gradient += differences(values) { 0.25 * formula($0, target.rows[row], labels[row]) }
    }
    expectClose(losses, expected, tolerance: 2e-6)
    expectClose(changed.values, gradient, tolerance: 2e-6)
  }

  @Test("ids outside the table and labels outside the classes stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      let x = Grid(rows: 1, columns: 2)
      var table = Grid(rows: 2, columns: 2)
      table.change { scatterRows(x.span, x.layout, ids: [2].span, to: &$0, $1) }
    }
    await #expect(processExitsWith: .failure) {
      var (x, losses) = (Grid(rows: 1, columns: 2), [Float](repeating: 0, count: 1))
      let labels: [Int32] = [2]
      let none: [Float] = []
      let target = LossTarget(
        none.span, RowLayout(rows: 0, columns: 0, stride: 0), labels: labels.span)
      x.change { x, layout in
        losses.change {
          rowLoss(.crossEntropy, &x, layout, target, weight: 1, gradient: false, into: &$0)
        }
      }
    }
  }
}
