// AdamW's step and the sum of squares in double precision.

import HHKernels
import HHTestSupport
import Testing

@Suite("Optimiser kernels")
struct OptimizerTests {
  @Test("a step moves both moments, then the parameters", arguments: counts)
  func adamWStep(count: Int) {
    var samples = Samples(seed: UInt64(count))
    let (before, gradients) = (samples.values(count), samples.values(count))
    let m = samples.values(count)
    let v = samples.values(count).map { $0 * $0 }
    let step = AdamWStep(
      rate: 0.02, decay: 0.01, firstRate: 0.1, secondRate: 0.001, secondScale: 3, epsilon: 1e-3,
      gradientScale: 0.5)
    var (parameters, first, second) = (before, m, v)
    parameters.change { parameters in
      first.change { first in
        second.change {
          adamW(&parameters, gradients: gradients.span, first: &first, second: &$0, step)
        }
      }
    }
    let g = gradients.map { 0.5 * Double($0) }
    let expectedFirst = zip(m, g).map { Double($0) + ($1 - Double($0)) * 0.1 }
    let expectedSecond = zip(v, g).map { Double($0) + ($1 * $1 - Double($0)) * 0.001 }
    expectClose(first, expectedFirst, tolerance: 1e-6)
    expectClose(second, expectedSecond, tolerance: 1e-6)
    let expected = before.indices.map { index in
      Double(before[index]) * 0.99
        - expectedFirst[index] * 0.02 / (expectedSecond[index].squareRoot() * 3 + 1e-3)
    }
    expectClose(parameters, expected, tolerance: 1e-5)
  }

  @Test("a sum of squares is a double's, from any address", arguments: counts)
  func squares(count: Int) {
    var samples = Samples(seed: UInt64(count))
    let x = samples.values(count + 1, spread: 100)
    let expected = x.dropFirst().reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(sumOfSquares(x.span.extracting(1...)) - expected) <= 1e-14 * expected)
  }

  @Test("moments of another count stop the program")
  func shapes() async {
    await #expect(processExitsWith: .failure) {
      var (parameters, first, second): ([Float], [Float], [Float]) = ([1, 2], [0, 0], [0])
      let step = AdamWStep(
        rate: 1, decay: 0, firstRate: 1, secondRate: 1, secondScale: 1, epsilon: 1,
        gradientScale: 1)
      parameters.change { parameters in
        first.change { first in
          second.change {
            adamW(&parameters, gradients: [1, 1].span, first: &first, second: &$0, step)
          }
        }
      }
    }
  }
}
