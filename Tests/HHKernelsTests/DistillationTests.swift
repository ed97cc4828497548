// Distillation of fused maps against the definition.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Distillation kernel")
struct DistillationTests {
  @Test("sums of disjoint queries add up, and keep the smallest denominator")
  func addition() {
    var (sums, other) = (DistillationSums(), DistillationSums())
    (other.crossEntropy, other.divergence, other.smallestDenominator) = (1.5, 0.25, 3)
    sums.add(other)
    #expect(sums == other)
    other.smallestDenominator = 2
    sums.add(other)
    #expect(sums.crossEntropy == 3 && sums.divergence == 0.5 && sums.smallestDenominator == 2)
  }

  @Test(
    "sums and gradients are those of the queries that count",
    arguments: [HeadCase(length: 9, keys: 7, headSize: 5, group: 2, isCausal: true)]
      + FusedAttentionTests.cases.filter { $0.keys > 0 && $0.group < 3 },
    [(0, 1), (1, 3)])
  func definition(_ test: HeadCase, sample: (first: Int, step: Int)) {
    let (q, k, _) = test.inputs(seed: 21)
    let maps = FusedMaps(test, half: 6, seed: 22)
    let both = run(test, maps, q, k, sample, .both)
    #expect(run(test, maps, q, k, sample, .lossOnly).sums == both.sums)
    #expect(run(test, maps, q, k, sample, .gradientOnly).gradients == both.gradients)
    let (loss, divergence) = definition(test, maps, q, k, sample, maps.doubles)
    expectClose(both.sums.map { Float($0.crossEntropy) }, loss, tolerance: 2e-6)
    expectClose(both.sums.map { Float($0.divergence) }, divergence, tolerance: 2e-6)
    // One direction through all parameters at once; gradients have the factor `weight`.
    expectSlope(both.gradients.map(Double.init), at: maps.doubles, tolerance: 2e-4, "maps") {
      0.5 * definition(test, maps, q, k, sample, $0).loss.reduce(0, +)
    }
  }

  private func run(
    _ test: HeadCase, _ maps: FusedMaps, _ q: Grid, _ k: Grid, _ sample: (first: Int, step: Int),
    _ measure: DistillationMeasure
  ) -> (sums: [DistillationSums], gradients: [Float]) {
    let (d, half) = (test.headSize, maps.half)
    let count = distillationGradients(headSize: d, half: half, group: test.group)
    var gradients = [Float](repeating: .nan, count: count)
    var scratch = [Float](
      repeating: .nan, count: distillationScratch(keys: test.keys, headSize: d, half: half))
    let (weightQ, biasQ) = (maps.parameters[0], maps.parameters[1])
    let (weightK, biasK) = (maps.parameters[2], maps.parameters[3])
    let spans = FeatureMapSpans(
      half: half, epsilon: 0, weightQ: weightQ.span, biasQ: biasQ.span,
      weightK: weightK.span, biasK: biasK.span)
    var sums: [DistillationSums] = []
    gradients.change { gradients in
      scratch.change {
        sums = distil(
          test.item(q, k, k, out: q), q: q.span, k: k.span, maps: spans, scale: 0.4, weight: 0.5,
          firstQuery: sample.first, queryStep: sample.step, measure: measure,
          gradients: &gradients, scratch: &$0)
      }
    }
    return (sums, gradients)
  }

  /// Cross-entropy and divergence of every head, for other parameters of the maps.
  private func definition(
    _ test: HeadCase, _ maps: FusedMaps, _ q: Grid, _ k: Grid, _ sample: (first: Int, step: Int),
    _ parameters: [[Double]]
  ) -> (loss: [Double], divergence: [Double]) {
    let (rows, keys) = (q.rows, k.rows)
    func features(_ x: [Double], _ map: Int, _ head: Int) -> [Double] {
      maps.features(x, map, head: head, parameters)
    }
    var (loss, divergence) = ([Double](), [Double]())
    for head in 0..<test.group {
      let phiK = keys.map { features($0, 2, 0) }
      var sums = (0.0, 0.0)
      for i in stride(from: sample.first, to: test.keys, by: sample.step) {
        let query = test.query(rows, i, head: head)
        let phi = features(query, 0, head)
        let p = softmax((0..<test.visible(i)).map { 0.4 * dot(query, keys[$0]) })
        let w = p.indices.map { dot(phi, phiK[$0]) }
        let total = w.reduce(0, +)
        for (p, w) in zip(p, w) {
          sums.0 -= p * log(w / total)
          sums.1 += p * (log(p) - log(w / total))
        }
      }
      loss.append(sums.0)
      divergence.append(sums.1)
    }
    return (loss, divergence)
  }
}
