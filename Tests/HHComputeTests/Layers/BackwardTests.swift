// Backward passes of layers against differences of their formulas.

import Glibc
import HHCompute
import HHFormat
import Testing

@Suite("Layer gradients") struct BackwardTests {
  @Test(
    "An activation's gradient is the slope of its formula", arguments: Activation.allCases,
    [1, 15, 16, 33])
  func activation(_ activation: Activation, columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let (x, gradient) = (samples.matrix(3, columns, spread: 6), samples.matrix(3, columns))
    let (before, arriving) = (Array(x.doubles.joined()), Array(gradient.doubles.joined()))
    activation.backward(x, gradient: gradient)
    expectClose(x.values, before.map { reference(activation, $0) }, tolerance: 1e-6)
    let slopes = before.map { value in
      (reference(activation, value + 1e-6) - reference(activation, value - 1e-6)) / 2e-6
    }
    expectClose(gradient.values, zip(slopes, arriving).map { $0 * $1 }, tolerance: 2e-6)
  }

  @Test("Gating gives its own output and both gradients", arguments: [1, 16, 21])
  func gating(columns: Int) {
    var samples = Samples(seed: 2)
    let (gate, up) = (samples.matrix(4, columns, spread: 4), samples.matrix(4, columns, spread: 2))
    let gradient = samples.matrix(4, columns)
    let (g, u) = (Array(gate.doubles.joined()), Array(up.doubles.joined()))
    let arriving = Array(gradient.doubles.joined())
    func out(_ g: [Double], _ u: [Double]) -> [Double] {
      zip(g, u).map { reference(.silu, $0) * $1 }
    }
    multiplyBackward(gate: gate, up: up, gradient: gradient)
    expectClose(gradient.values, out(g, u), tolerance: 1e-6)
    expectClose(gate.values, differences(g) { weighted(arriving, out($0, u)) }, tolerance: 2e-6)
    expectClose(up.values, differences(u) { weighted(arriving, out(g, $0)) }, tolerance: 2e-6)
  }

  @Test("Layer norm's gradients follow its formula", arguments: [1, 2, 16, 35])
  func layer(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let (x, dOut) = (samples.matrix(3, columns, spread: 3), samples.matrix(3, columns))
    let (weight, bias) = (samples.buffer(columns), samples.buffer(columns))
    let given = [
      Array(x.doubles.joined()), weight.values.map(Double.init), bias.values.map(Double.init),
    ]
    let arriving = Array(dOut.doubles.joined())
    func loss(_ x: [Double], _ w: [Double], _ b: [Double]) -> Double {
      (0..<3).reduce(0.0) { sum, row in
        let part = x[row * columns..<(row + 1) * columns]
        let mean = part.reduce(0, +) / Double(columns)
        let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
        return sum
          + part.enumerated().reduce(0.0) {
            $0 + arriving[row * columns + $1.offset]
              * (($1.element - mean) / (variance + 1e-2).squareRoot() * w[$1.offset]
                + b[$1.offset])
          }
      }
    }
    let (dWeight, dBias) = (samples.buffer(columns), samples.buffer(columns))
    let before = [dWeight, dBias].map { $0.values.map(Double.init) }
    layerNormBackward(
      x, weight: weight, epsilon: 1e-2, dOut: dOut, into: dOut, dWeight: dWeight, dBias: dBias,
      scratch: ScratchSpace())
    expectClose(dOut.values, differences(given[0]) { loss($0, given[1], given[2]) })
    let weights = differences(given[1]) { loss(given[0], $0, given[2]) }
    expectClose(dWeight.values, zip(before[0], weights).map { $0 + $1 })
    let biases = differences(given[2]) { loss(given[0], given[1], $0) }
    expectClose(dBias.values, zip(before[1], biases).map { $0 + $1 })
  }

  @Test("RMS norm's gradients follow its formula", arguments: [1, 2, 16, 35])
  func rootMeanSquare(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let (x, dOut) = (samples.matrix(3, columns, spread: 3), samples.matrix(3, columns))
    let weight = samples.buffer(columns)
    let (values, weights) = (Array(x.doubles.joined()), weight.values.map(Double.init))
    let arriving = Array(dOut.doubles.joined())
    func loss(_ x: [Double], _ w: [Double]) -> Double {
      (0..<3).reduce(0.0) { sum, row in
        let part = x[row * columns..<(row + 1) * columns]
        let square = part.reduce(0) { $0 + $1 * $1 } / Double(columns)
        return sum
          + part.enumerated().reduce(0.0) {
            $0 + arriving[row * columns + $1.offset] * $1.element / (square + 1e-2).squareRoot()
              * w[$1.offset]
          }
      }
    }
    let dWeight = FloatBuffer(count: columns)
    let dX = Matrix(rows: 3, columns: columns)
    rmsNormBackward(
      x, weight: weight, epsilon: 1e-2, dOut: dOut, into: dX, dWeight: dWeight,
      scratch: ScratchSpace())
    expectClose(dX.values, differences(values) { loss($0, weights) })
    expectClose(dWeight.values, differences(weights) { loss(values, $0) })
  }

  @Test("Frozen normalisation and many rows give the same input gradient")
  func manyRows() {
    var samples = Samples(seed: 5)
    let (x, dOut) = (samples.matrix(150, 40), samples.matrix(150, 40))
    let weight = samples.buffer(40)
    let (trained, frozen) = (Matrix(rows: 150, columns: 40), Matrix(rows: 150, columns: 40))
    let (dWeight, dBias) = (FloatBuffer(count: 40), FloatBuffer(count: 40))
    let scratch = ScratchSpace()
    layerNormBackward(
      x, weight: weight, epsilon: 1e-5, dOut: dOut, into: trained, dWeight: dWeight, dBias: dBias,
      scratch: scratch)
    layerNormBackward(
      x, weight: weight, epsilon: 1e-5, dOut: dOut, into: frozen, dWeight: nil, dBias: nil,
      scratch: scratch)
    #expect(trained.values == frozen.values)
    let sums = (0..<40).map { column in (0..<150).reduce(0.0) { $0 + Double(dOut[$1, column]) } }
    expectClose(dBias.values, sums)
  }

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
