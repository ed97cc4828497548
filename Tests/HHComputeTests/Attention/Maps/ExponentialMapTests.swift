import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct ExponentialMapTests {
  @Test(
    "The largest feature of a row is one, and the scale its logarithm", arguments: [false, true])
  func scales(isNegated: Bool) {
    let run = MapRun(
      ExponentialMap(featureSize: 5, isNegated: isNegated), rows: 6, headSize: 4, seed: 3,
      spread: 200)
    for (row, features) in run.phi.doubles.enumerated() {
      #expect(features.max() == 1 && features.count == (isNegated ? 10 : 5))
      #expect(run.scales.span[row].isFinite)
    }
  }

  @Test("The second half is the first one's inverse")
  func negation() {
    let run = MapRun(
      ExponentialMap(featureSize: 3, hasBias: false, isNegated: true), rows: 4, headSize: 3,
      seed: 4)
    for (row, features) in run.phi.doubles.enumerated() {
      let scale = exp(Double(run.scales.span[row]))
      for j in 0..<3 { #expect(abs(features[j] * features[3 + j] * scale * scale - 1) < 1e-4) }
    }
  }

  @Test("The map's parameters are those of its projection")
  func parameters() {
    let map = ExponentialMap(featureSize: 7, hasBias: false, isNegated: true)
    #expect(map.parameters(headSize: 4) == [FeatureParameter("weight", shape: [4, 7])])
    #expect(map.featureCount(headSize: 4) == 14 && map.storesLogScales)
  }
}
