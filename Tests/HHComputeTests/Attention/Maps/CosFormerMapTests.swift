import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct CosFormerMapTests {
  @Test("Weights fall with the distance of two positions, to zero at the horizon")
  func distances() {
    // The same row at every position, so that only the distance makes a difference.
    let function = CosFormerMap(horizon: 8)
    let x = Matrix(rows: 9, columns: 2, [Float](repeating: 1, count: 18))
    let (phi, scratch) = (Matrix(rows: 9, columns: 4), FloatBuffer(count: 0))
    function.forward(
      FeatureInput(x: x, parameters: [], scratch: scratch), into: phi,
      scales: FloatBuffer(count: 9))
    let rows = phi.doubles
    let weights = rows.map { dot(rows[0], $0) }
    expectClose(
      weights.map(Float.init), (0...8).map { 2 * cos(Double.pi * Double($0) / 16) },
      tolerance: 1e-6)
    #expect(abs(dot(rows[3], rows[5]) - weights[2]) < 1e-6, "only the distance counts")
  }

  @Test("A step between rows moves their positions")
  func steps() {
    let function = CosFormerMap(horizon: 20)
    let x = Matrix(rows: 2, columns: 1, [1, 1])
    let (phi, scales) = (Matrix(rows: 2, columns: 2), FloatBuffer(count: 2))
    function.forward(
      FeatureInput(
        x: x, position: 3, step: 4, parameters: [], scratch: FloatBuffer(count: 0)), into: phi,
      scales: scales)
    let angles = [3, 7].map { Double.pi * $0 / 40 }
    expectClose(phi.values, angles.flatMap { [cos($0), sin($0)] }, tolerance: 1e-6)
  }

  @Test("A horizon of no position is one of a single one")
  func leastHorizon() { #expect(CosFormerMap(horizon: 0).horizon == 1) }
}
