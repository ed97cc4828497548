// Features of every map against its definition, and their gradients against differences.

import Glibc
import HHCompute
import Testing

@Suite struct FeatureFunctionTests {
  /// A map's features and gradients for random rows.
  private struct Run {
    let x: Matrix
    let parameters: [Matrix]
    let phi: Matrix
    let scales: FloatBuffer
    let scratch: FloatBuffer
    let position = 37

    init(_ function: any FeatureFunction, rows: Int, headSize: Int, seed: UInt64, spread: Float = 1)
    {
      var samples = Samples(seed: seed)
      x = samples.matrix(rows, headSize, spread: spread)
      let shapes = function.parameters(headSize: headSize)
      parameters = zip(shapes, function.initialValues(headSize: headSize)).map { shape, values in
        let moved = values.map { $0 + (shape.isTrained ? 0.3 * samples.next() : 0) }
        return Matrix(rows: 1, columns: shape.count, moved)
      }
      phi = Matrix(rows: rows, columns: function.featureCount(headSize: headSize))
      scales = FloatBuffer(count: rows)
      scratch = FloatBuffer(count: function.scratchCount(rows: rows, headSize: headSize))
      function.forward(input, into: phi, scales: scales)
    }

    var input: FeatureInput {
      FeatureInput(x: x, position: position, parameters: parameters, scratch: scratch)
    }
  }

  @Test("Features agree with the definition", arguments: MapCase.all, [1, 6, 17])
  func forward(_ test: MapCase, headSize: Int) {
    let run = Run(test.function, rows: 19, headSize: headSize, seed: 1)
    let parameters = run.parameters.map { $0.values.map(Double.init) }
    for row in 0..<run.x.rows {
      let expected = test.features(run.x.doubles[row], parameters, run.position + row)
      let scale = exp(run.scales.span[row])
      expectClose(
        run.phi.rows(row..<row + 1).values.map { $0 * scale }, expected, tolerance: 3e-6)
    }
  }

  @Test(
    "Softmaxes of any number of features agree with the definition",
    arguments: [(1, 1), (8, 8), (5, 3), (16, 16), (17, 15), (33, 31), (64, 64), (8, 35)],
    [1, 6, 50])
  func sizes(_ size: (Int, Int), rows: Int) {
    let (d, f) = size
    let run = Run(SoftmaxMap(featureSize: f), rows: rows, headSize: d, seed: 5, spread: 2)
    let parameters = run.parameters.flatMap { $0.values.map(Double.init) }
    let expected = run.x.doubles.flatMap { x in
      let u = project(x, parameters, start: 0, parameters[(d * f)...])
      return softmax(u) + softmax(u.map { -$0 })
    }
    expectClose(run.phi.values, expected, tolerance: 2e-6)
  }

  @Test("Gradients agree with central differences in double precision", arguments: MapCase.all)
  func backward(_ test: MapCase) {
    let (rows, headSize) = (5, 6)
    let run = Run(test.function, rows: rows, headSize: headSize, seed: 2)
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
    let run = Run(test.function, rows: 8, headSize: 6, seed: 4, spread: 1e4)
    #expect(run.phi.values.allSatisfy { $0.isFinite })
    if test.function.storesLogScales {
      #expect(run.scales.values.allSatisfy { $0.isFinite })
      #expect(run.phi.values.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
  }

  @Test("Every map has a name of its own")
  func names() {
    let names = MapCase.all.map(\.function.name)
    #expect(Set(names).count == 11)
  }

  @Test("Performer's directions are orthogonal, as long as normal vectors, and the seed's")
  func performer() throws {
    let size = 16
    let values = try #require(
      PerformerMap(featureSize: 24, seed: 5).initialValues(headSize: size).first)
    #expect(values == PerformerMap(featureSize: 24, seed: 5).initialValues(headSize: size)[0])
    #expect(values != PerformerMap(featureSize: 24, seed: 6).initialValues(headSize: size)[0])
    let columns = (0..<24).map { c in (0..<size).map { Double(values[$0 * 24 + c]) } }
    for a in 0..<size {
      for b in 0..<a { #expect(abs(dot(columns[a], columns[b])) < 1e-4) }
    }
    let lengths = columns.map { dot($0, $0).squareRoot() }
    #expect(abs(lengths.reduce(0, +) / 24 - 4) < 0.5)
  }

  @Test("Performer's products estimate the exponential")
  func performerKernel() {
    // φ(q) · φ(k) / m → exp(q · k / √d).
    let map = PerformerMap(featureSize: 4096, seed: 7)
    let run = Run(map, rows: 2, headSize: 4, seed: 8)
    let phi = run.phi.doubles
    let scales = run.scales.values.map(Double.init)
    let estimate = dot(phi[0], phi[1]) * exp(scales[0] + scales[1]) / 4096
    let exact = exp(dot(run.x.doubles[0], run.x.doubles[1]) / 2)
    #expect(abs(estimate / exact - 1) < 0.1)
  }
}
