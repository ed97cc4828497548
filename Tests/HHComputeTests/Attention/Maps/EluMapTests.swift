import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct EluMapTests {
  @Test("Features are 1 + elu(x), above zero, and one where x is zero")
  func values() {
    let x = Matrix(rows: 1, columns: 5, [-100, -1, 0, 2, 1e30])
    let phi = Matrix(rows: 1, columns: 5)
    EluMap().forward(
      FeatureInput(x: x, parameters: [], scratch: FloatBuffer(count: 0)), into: phi,
      scales: FloatBuffer(count: 1))
    expectClose(Array(phi.values.prefix(4)), [exp(-100), exp(-1), 1, 3], tolerance: 1e-6)
    #expect(phi[0, 4] == 1e30)
    #expect(EluMap().parameters(headSize: 5).isEmpty && EluMap().featureCount(headSize: 5) == 5)
  }
}
