import HHCompute
import HHTestSupport
import Testing

@Suite struct TaylorMapTests {
  @Test("Products are the exponential's series up to its square", arguments: [1, 2, 6, 17])
  func series(headSize: Int) {
    let run = MapRun(TaylorMap(), rows: 2, headSize: headSize, seed: 5)
    let (x, phi) = (run.x.doubles, run.phi.doubles)
    let z = dot(x[0], x[1]) / Double(headSize).squareRoot()
    #expect(abs(dot(phi[0], phi[1]) - (1 + z + z * z / 2)) < 1e-5)
    #expect(phi[0].count == TaylorMap().featureCount(headSize: headSize))
  }
}
