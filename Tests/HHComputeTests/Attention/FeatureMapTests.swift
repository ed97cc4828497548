// The feature map of one head and its backward pass.

import Glibc
import HHCompute
import Testing

@Suite struct FeatureMapTests {
  /// Lengths of a head and of its projection around multiples of the vector length.
  static let sizes = [(1, 1), (8, 8), (5, 3), (16, 16), (17, 15), (33, 31), (64, 64), (8, 35)]

  @Test("Features agree with the definition", arguments: sizes, [1, 6, 50])
  func forward(_ size: (Int, Int), rows: Int) {
    let test = FeatureMapCase(rows: rows, d: size.0, f: size.1)
    let phi = Matrix(rows: rows, columns: 2 * size.1)
    FeatureMap.forward(test.x, weight: test.weight, bias: test.bias, into: phi)
    let expected = test.x.doubles.flatMap { test.features($0, test.doubles) }
    expectClose(phi.values, expected, tolerance: 2e-6)
  }

  @Test("Gradients agree with central differences in double precision", arguments: sizes, [1, 13])
  func backward(_ size: (Int, Int), rows: Int) {
    let test = FeatureMapCase(rows: rows, d: size.0, f: size.1)
    let phi = Matrix(rows: rows, columns: 2 * size.1)
    var samples = Samples(seed: 7)
    let dPhi = Matrix(rows: rows, columns: 2 * size.1, samples.values(rows * 2 * size.1))
    FeatureMap.forward(test.x, weight: test.weight, bias: test.bias, into: phi)
    let (dWeight, dBias) = (FloatBuffer(count: test.weight.count), FloatBuffer(count: size.1))
    FeatureMap.backward(
      test.x, phi: phi, dPhi: dPhi, dWeight: dWeight, dBias: dBias)
    let directions = dPhi.doubles
    func objective(_ parameters: [Double]) -> Double {
      zip(test.x.doubles, directions).reduce(0) { $0 + dot(test.features($1.0, parameters), $1.1) }
    }
    let gradient = (dWeight.values + dBias.values).map(Double.init)
    let largest = gradient.map(abs).max() ?? 0
    for index in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 11) | 1) {
      var (above, below) = (test.doubles, test.doubles)
      above[index] += 1e-5
      below[index] -= 1e-5
      let difference = (objective(above) - objective(below)) / 2e-5
      #expect(
        abs(gradient[index] - difference) <= 1e-3 * max(abs(difference), 0.05 * largest) + 1e-8)
    }
  }

  @Test("Inputs of any size give features that sum to one per half")
  func extremes() {
    let x = Matrix(rows: 2, columns: 3, [1e4, -1e4, 0, 3e30, 3e30, -3e30])
    let phi = Matrix(rows: 2, columns: 6)
    let identity = FloatBuffer([1, 0, 0, 0, 1, 0, 0, 0, 1])
    FeatureMap.forward(x, weight: identity, bias: FloatBuffer(count: 3), into: phi)
    #expect(phi.values == [1, 0, 0, 0, 1, 0, 0.5, 0.5, 0, 0, 0, 1])
  }
}

/// Random inputs and parameters of one head.
struct FeatureMapCase {
  let x: Matrix
  let weight: FloatBuffer
  let bias: FloatBuffer
  let d: Int
  let f: Int

  init(rows: Int, d: Int, f: Int) {
    var samples = Samples(seed: UInt64(rows * 10_000 + d * 100 + f))
    x = samples.matrix(rows, d, spread: 2)
    weight = samples.buffer(d * f)
    bias = samples.buffer(f)
    self.d = d
    self.f = f
  }

  /// W, then b.
  var doubles: [Double] { (weight.values + bias.values).map(Double.init) }

  func features(_ x: [Double], _ parameters: [Double]) -> [Double] {
    let u = project(x, parameters, start: 0, parameters[(d * f)...])
    return softmax(u) + softmax(u.map { -$0 })
  }
}
