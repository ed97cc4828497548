// The features themselves are tested with those of every map; here is what turning back is for.

import HHCompute
import HHTestSupport
import Testing

@Suite struct UnrotatedMapTests {
  private static let frequencies: [Float] = [1, 0.25, 0.01]
  private static let base = SoftmaxMap(featureSize: 4)
  private static let map = UnrotatedMap(base, inverseFrequencies: frequencies, scale: 1.5)

  private func features(
    _ function: any FeatureFunction, _ x: Matrix, position: Int = 0, step: Int = 1
  ) -> [Float] {
    let parameters = zip(
      function.parameters(headSize: 6), function.initialValues(headSize: 6)
    ).map { Matrix(rows: 1, columns: $0.count, $1) }
    let phi = Matrix(rows: x.rows, columns: function.featureCount(headSize: 6))
    function.forward(
      FeatureInput(
        x: x, position: position, step: step, parameters: parameters,
        scratch: FloatBuffer(count: function.scratchCount(rows: x.rows, headSize: 6))),
      into: phi, scales: FloatBuffer(count: x.rows))
    return phi.values
  }

  @Test(
    "Turned rows have the features that they had before",
    arguments: [(0, 1), (40, 1), (2000, 7)])
  func turned(position: Int, step: Int) {
    var samples = Samples(seed: 1)
    let x = samples.matrix(5, 6, spread: 2)
    let expected = features(Self.base, x)
    let table = RotaryTable(
      headSize: 6, positions: 4096, inverseFrequencies: Self.frequencies, scale: 1.5)
    for row in 0..<5 {
      table.apply(to: x.rows(row..<row + 1), length: 1, offset: position + row * step)
    }
    #expect(features(Self.base, x) != expected)
    expectClose(
      features(Self.map, x, position: position, step: step), expected.map(Double.init),
      tolerance: 1e-5)
  }

  @Test("An optimiser sees what the projection sees")
  func projected() {
    var samples = Samples(seed: 2)
    let x = samples.matrix(6, 12, spread: 2)
    let before = x.values
    let table = RotaryTable(
      headSize: 6, positions: 8, inverseFrequencies: Self.frequencies, scale: 1.5)
    table.apply(to: x, length: 3)
    let turned = x.values
    expectClose(
      Self.map.projected(x, length: 3).values, before.map(Double.init), tolerance: 1e-5)
    #expect(x.values == turned, "the rows themselves stay")
    #expect(Self.base.projected(x, length: 3).values == turned)
  }
}
