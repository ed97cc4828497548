import HHCompute
import HHTestSupport
import Testing

@Suite struct SoftmaxMapTests {
  @Test(
    "Softmaxes of any number of features agree with the definition",
    arguments: [(1, 1), (8, 8), (5, 3), (16, 16), (17, 15), (33, 31), (64, 64), (8, 35)],
    [1, 6, 50])
  func sizes(_ size: (Int, Int), rows: Int) {
    let (d, f) = size
    let run = MapRun(SoftmaxMap(featureSize: f), rows: rows, headSize: d, seed: 5, spread: 2)
    let parameters = run.parameters.flatMap { $0.values.map(Double.init) }
    let expected = run.x.doubles.flatMap { x in
      let u = project(x, parameters, start: 0, parameters[(d * f)...])
      return softmax(u) + softmax(u.map { -$0 })
    }
    expectClose(run.phi.values, expected, tolerance: 2e-6)
  }

  @Test(
    "The halves sum to one each, or both together where they are joint", arguments: [false, true])
  func sums(isJoint: Bool) {
    let run = MapRun(
      SoftmaxMap(featureSize: 5, isJoint: isJoint), rows: 4, headSize: 7, seed: 9, spread: 3)
    for row in run.phi.doubles {
      let halves = [row.prefix(5), row.suffix(5)].map { $0.reduce(0, +) }
      if isJoint {
        #expect(abs(halves[0] + halves[1] - 1) < 1e-6)
      } else {
        #expect(halves.allSatisfy { abs($0 - 1) < 1e-6 })
      }
    }
  }
}
