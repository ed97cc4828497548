import HHCompute
import HHTestSupport
import Testing

@Suite struct ReluMapTests {
  @Test("What is negative has no feature and no gradient")
  func kinks() {
    let x = Matrix(rows: 1, columns: 4, [-2, -0.0, 0.5, 3])
    let input = FeatureInput(x: x, parameters: [], scratch: FloatBuffer(count: 0))
    let (phi, dX) = (Matrix(rows: 1, columns: 4), Matrix(rows: 1, columns: 4))
    let map = ReluMap()
    map.forward(input, into: phi, scales: FloatBuffer(count: 1))
    #expect(phi.values == [0, 0, 0.5, 3])
    map.backward(
      input, phi: phi, dPhi: Matrix(rows: 1, columns: 4, [5, 6, 7, 8]), dX: dX, gradients: [])
    #expect(dX.values == [0, 0, 7, 8])
  }

  @Test("T2R is the one with a projection")
  func projection() {
    #expect(ReluMap().featureCount(headSize: 6) == 6)
    let projected = ReluMap(featureSize: 9)
    #expect(projected.featureCount(headSize: 6) == 9)
    #expect(projected.parameters(headSize: 6).map(\.shape) == [[6, 9], [9]])
    #expect(ReluMap(featureSize: 9, hasBias: false).initialValues(headSize: 6).count == 1)
  }
}
