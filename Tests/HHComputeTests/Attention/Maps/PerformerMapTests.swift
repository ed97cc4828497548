import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct PerformerMapTests {
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
    let run = MapRun(map, rows: 2, headSize: 4, seed: 8)
    let phi = run.phi.doubles
    let scales = run.scales.values.map(Double.init)
    let estimate = dot(phi[0], phi[1]) * exp(scales[0] + scales[1]) / 4096
    let exact = exp(dot(run.x.doubles[0], run.x.doubles[1]) / 2)
    #expect(abs(estimate / exact - 1) < 0.1)
  }
}
