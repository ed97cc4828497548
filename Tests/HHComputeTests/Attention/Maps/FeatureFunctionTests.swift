// Features of every map against its definition, and their gradients against differences.

import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct FeatureFunctionTests {
  @Test("Features agree with the definition", arguments: MapCase.all, [1, 6, 17])
  func forward(_ test: MapCase, headSize: Int) {
    let run = MapRun(test.function, rows: 19, headSize: test.headSize ?? headSize, seed: 1)
    let parameters = run.parameters.map { $0.values.map(Double.init) }
    for row in 0..<run.x.rows {
      let expected = test.features(run.x.doubles[row], parameters, run.position + row)
      let scale = exp(run.scales.span[row])
      expectClose(
        run.phi.rows(row..<row + 1).values.map { $0 * scale }, expected, tolerance: 3e-6)
    }
  }

  @Test("Gradients agree with central differences in double precision", arguments: MapCase.all)
  func backward(_ test: MapCase) {
    let (rows, headSize) = (5, 6)
    let run = MapRun(test.function, rows: rows, headSize: headSize, seed: 2)
    var samples = Samples(seed: 3)
    let weights = samples.matrix(rows, run.phi.columns).doubles
    // The gradient of what is stored: the true features' times their scale.
    let dPhi = Matrix(
      rows: rows, columns: run.phi.columns,
      (0..<rows).flatMap { row in
        weights[row].map { Float($0) * exp(run.scales.span[row]) }
      })
    let dX = Matrix(rows: rows, columns: headSize)
    let gradients = zip(run.parameters, test.function.parameters(headSize: headSize)).map {
      $1.isTrained ? Matrix(rows: 1, columns: $0.columns) : nil
    }
    test.function.backward(run.input, phi: run.phi, dPhi: dPhi, dX: dX, gradients: gradients)
    let parameters = run.parameters.map { $0.values.map(Double.init) }
    func loss(_ x: [Double], _ parameters: [[Double]]) -> Double {
      (0..<rows).reduce(0) { sum, row in
        let features = test.features(
          Array(x[row * headSize..<(row + 1) * headSize]), parameters, run.position + row)
        return sum + dot(features, weights[row])
      }
    }
    let x = Array(run.x.doubles.joined())
    expectClose(dX.values, differences(x) { loss($0, parameters) }, tolerance: 1e-4, "x")
    for (index, gradient) in gradients.enumerated() {
      guard let gradient else { continue }
      let expected = differences(parameters[index]) { moved in
        var all = parameters
        all[index] = moved
        return loss(x, all)
      }
      expectClose(gradient.values, expected, tolerance: 1e-4, "parameter \(index)")
    }
  }

  @Test("Inputs of any size give finite features", arguments: MapCase.all)
  func extremes(_ test: MapCase) {
    let run = MapRun(test.function, rows: 8, headSize: 6, seed: 4, spread: 1e4)
    #expect(run.phi.values.allSatisfy { $0.isFinite })
    if test.function.storesLogScales {
      #expect(run.scales.values.allSatisfy { $0.isFinite })
      #expect(run.phi.values.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
  }
}
