// Samples of queries, and distillation on them.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite struct QuerySampleTests {
  @Test("A sample counts what it names", arguments: [(0, 1), (0, 4), (3, 4), (5, 2), (40, 3)])
  func count(first: Int, step: Int) {
    let sample = QuerySample(first: first, step: step)
    for length in 0...40 {
      let named = stride(from: first, to: max(first, length), by: step)
      #expect(sample.count(length: length) == Array(named).count)
    }
  }

  @Test(
    "Disjoint samples together give the loss and gradients of all", arguments: AttentionCase.all)
  func partition(_ test: AttentionCase) {
    let (q, k, _) = test.inputs(seed: 51)
    let maps = test.maps(seed: 52)
    let shape = test.shape
    func run(_ sample: QuerySample) -> (loss: DistillationLoss, gradients: [[Float]]) {
      let gradients = FeatureMapGradients(like: maps)
      let loss = AttentionDistillation().lossAndGradient(
        q: q, k: k, v: nil, shape: shape, scale: 0.375, maps: maps, sample: sample,
        gradients: gradients)
      return (loss, gradients.parameters.map(\.values))
    }
    func count(_ sample: QuerySample) -> Double {
      Double((0..<shape.batch).reduce(0) { $0 + sample.count(length: shape.keyLength($1)) })
    }
    let all = run(.all)
    for step in [2, 3, shape.length + 1] {
      var crossEntropy = 0.0
      var gradients = all.gradients.map { [Double](repeating: 0, count: $0.count) }
      for first in 0..<step {
        let sample = QuerySample(first: first, step: step)
        let part = run(sample)
        let share = count(sample) / count(.all)
        crossEntropy += share * part.loss.meanCrossEntropy
        for (index, values) in part.gradients.enumerated() {
          for (i, value) in values.enumerated() { gradients[index][i] += share * Double(value) }
        }
      }
      #expect(abs(crossEntropy - all.loss.meanCrossEntropy) < 1e-5 * (1 + crossEntropy))
      for (values, expected) in zip(gradients, all.gradients) {
        let largest = expected.reduce(1e-6) { max($0, abs($1)) }
        #expect(maximumDifference(expected, values.map { Float($0) }) <= 1e-4 * largest)
      }
    }
  }
}
