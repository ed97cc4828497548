import HHKernels
import Testing

@testable import HHCompute

@Suite struct DistillationLossTests {
  /// The loss of two sequences with two query heads that share a state, three queries in all.
  private func loss(_ factors: AttentionDistillation.Factors) -> DistillationLoss {
    let shape = AttentionShape(
      batch: 2, length: 2, queryHeads: 2, keyValueHeads: 1, headSize: 1, causal: true,
      keyLengths: [2, 1])
    func sums(_ crossEntropy: Double, _ divergence: Double, _ error: Double) -> HeadSums {
      var sums = HeadSums()
      (sums.weights.crossEntropy, sums.weights.divergence) = (crossEntropy, divergence)
      (sums.weights.smallestDenominator, sums.outputError) = (Float(error), error)
      return sums
    }
    return DistillationLoss(
      [[sums(1, 0.5, 9), sums(2, 1, 12)], [sums(5, 1, 3), sums(7, 2, 6)]], shape: shape, queries: 3,
      stateHeads: 1, factors: factors)
  }

  @Test("Means are over the queries of all sequences, head by head")
  func means() {
    let loss = loss(.init(weights: 1, outputs: 0))
    #expect(loss.crossEntropy == [2, 3] && loss.divergence == [0.5, 1])
    #expect(loss.outputError == [4, 6] && loss.smallestDenominator == 3)
    #expect(loss.meanCrossEntropy == 2.5 && loss.meanDivergence == 0.75)
    #expect(loss.meanOutputError == 5)
  }

  @Test("The loss weighs both parts; what no student can change is not in its reducible loss")
  func factors() {
    #expect(loss(.init(weights: 1, outputs: 0)).loss == 2.5)
    #expect(loss(.init(weights: 2, outputs: 10)).loss == 55)
    #expect(loss(.init(weights: 2, outputs: 10)).reducibleLoss == 51.5)
    #expect(loss(.init(weights: 0, outputs: 1)).reducibleLoss == 5)
  }
}
