// Gradients of norms against differences of their formulas.

import HHCompute
import HHTestSupport
import Testing

@Suite struct NormalizationBackwardTests {
  @Test("Layer norm's gradients follow its formula", arguments: [2, 35])
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

  @Test("RMS norm's gradients follow its formula", arguments: [2, 35])
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
}
