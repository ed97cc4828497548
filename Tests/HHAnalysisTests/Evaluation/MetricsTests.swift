// Metrics against values of scipy, against definitions, and at their edges.

import HHFormat
import Testing

@testable import HHAnalysis

@Suite("Metrics")
struct MetricsTests {
  @Test("correlations are scipy's, ties included")
  func correlation() {
    let (x, y) = ([1, 2, 2, 4, 5.5, 0.3], [2, 1, 3, 3, 9, 0.1])
    #expect(abs(Correlation.pearson(x, y) - 0.8812911690) < 1e-9)
    #expect(abs(Correlation.spearman(x, y) - 0.8676470588) < 1e-9)
    #expect(Correlation.ranks([3, 1, 3, 2]) == [3.5, 1, 3.5, 2])
    #expect(Correlation.spearman([1, 2, 3], [10, 20, 1e9]) == 1)
    #expect(Correlation.pearson([1, 1], [1, 2]).isNaN)
  }

  @Test("a NaN is written without a sign")
  func notANumber() {
    for value in [Double.nan, -Double.nan] {
      #expect(Format.fixed(value, 4) == "nan" && Format.brief(value) == "nan")
    }
  }

  @Test("accuracy, F1 and Matthews of three classes and of two")
  func classification() {
    let three = ConfusionMatrix(
      truth: [0, 1, 2, 2, 1, 0, 1, 1], predictions: [0, 1, 1, 2, 1, 2, 0, 1], classCount: 3)
    #expect(three.counts == [[1, 0, 1], [1, 3, 0], [0, 1, 1]])
    #expect(three.accuracy == 0.625)
    #expect(abs(three.f1 - (0.5 + 0.75 + 0.5) / 3) < 1e-12)
    #expect(abs(three.matthews - 0.4) < 1e-12)
    // 4 true positives, 1 false positive, 1 false negative, 2 true negatives.
    let two = ConfusionMatrix(
      truth: [1, 1, 1, 0, 0, 1, 0, 1], predictions: [1, 0, 1, 0, 1, 1, 0, 1], classCount: 2)
    #expect(two.f1 == 0.8)
    #expect(abs(two.matthews - 7.0 / 15) < 1e-12)
    let constant = ConfusionMatrix(truth: [0, 1], predictions: [0, 0], classCount: 2)
    #expect(constant.matthews == 0 && constant.f1 == 0 && constant.accuracy == 0.5)
  }

  @Test("ROUGE counts shared words, pairs and the longest common subsequence")
  func rouge() {
    let score = ROUGE("The cat sat on the mat.", reference: "the cat lay on a mat")
    #expect(abs(score.one - 4.0 / 6) < 1e-12)
    #expect(abs(score.two - 1.0 / 5) < 1e-12)
    #expect(abs(score.longest - 4.0 / 6) < 1e-12)
    let same = ROUGE("a b c", reference: "A, b: c!")
    #expect(same.one == 1 && same.two == 1 && same.longest == 1)
    let empty = ROUGE("", reference: "a b")
    #expect(empty.one == 0 && empty.two == 0 && empty.longest == 0)
  }
}
