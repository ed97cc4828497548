// Gradients of activations and gating against differences of their formulas.

import HHCompute
import HHTestSupport
import Testing

@Suite struct ElementwiseBackwardTests {
  @Test(
    "An activation's gradient is the slope of its formula", arguments: Activation.allCases,
    [3, 300])
  func activation(_ activation: Activation, rows: Int) {
    var samples = Samples(seed: UInt64(rows))
    let (x, gradient) = (samples.matrix(rows, 130, spread: 6), samples.matrix(rows, 130))
    let (before, arriving) = (Array(x.doubles.joined()), Array(gradient.doubles.joined()))
    activation.backward(x, gradient: gradient)
    expectClose(
      x.values, before.map { HHTestSupport.activation(activation.rawValue, $0) }, tolerance: 1e-6)
    let slopes = before.map { value in
      (HHTestSupport.activation(activation.rawValue, value + 1e-6)
        - HHTestSupport.activation(activation.rawValue, value - 1e-6)) / 2e-6
    }
    expectClose(gradient.values, zip(slopes, arriving).map { $0 * $1 }, tolerance: 2e-6)
  }

  @Test("Gating gives its own output and both gradients", arguments: [1, 21])
  func gating(columns: Int) {
    var samples = Samples(seed: 2)
    let (gate, up) = (samples.matrix(4, columns, spread: 4), samples.matrix(4, columns, spread: 2))
    let gradient = samples.matrix(4, columns)
    let (g, u) = (Array(gate.doubles.joined()), Array(up.doubles.joined()))
    let arriving = Array(gradient.doubles.joined())
    func out(_ g: [Double], _ u: [Double]) -> [Double] {
      zip(g, u).map { HHTestSupport.activation("silu", $0) * $1 }
    }
    multiplyBackward(gate: gate, up: up, gradient: gradient)
    expectClose(gradient.values, out(g, u), tolerance: 1e-6)
    expectClose(gate.values, differences(g) { weighted(arriving, out($0, u)) }, tolerance: 2e-6)
    expectClose(up.values, differences(u) { weighted(arriving, out(g, $0)) }, tolerance: 2e-6)
  }
}
