import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct FixedExponentialMapTests {
  @Test("The temperature sharpens, and no input overflows", arguments: [Float(0.5), 1, 4])
  func temperature(t: Float) {
    let x = Matrix(rows: 2, columns: 2, [0, 1, 1000, -1000])
    let (phi, scales) = (Matrix(rows: 2, columns: 2), FloatBuffer(count: 2))
    FixedExponentialMap(temperature: t).forward(
      FeatureInput(x: x, parameters: [], scratch: FloatBuffer(count: 0)), into: phi,
      scales: scales)
    expectClose(phi.values, [exp(-Double(t)), 1, 1, 0], tolerance: 1e-6)
    #expect(scales.values == [t, 1000 * t])
  }
}
