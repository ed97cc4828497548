// Perplexity by position.

import Glibc
import HHTestSupport
import HHTraining
import Testing

@testable import HHAnalysis

@Suite("PositionLosses")
struct PositionLossesTests {
  @Test(
    "buckets are powers of two and hold every prediction once",
    arguments: [
      (2, ["1"]), (3, ["1", "2"]), (9, ["1", "2-3", "4-7", "8"]),
      (12, ["1", "2-3", "4-7", "8-11"]),
    ])
  func buckets(_ length: Int, _ expected: [String]) {
    let buckets = PositionLosses(rowLength: length).buckets
    #expect(buckets.map(words) == expected)
    #expect(buckets.flatMap { Array($0) } == Array(1..<length))
  }

  @Test("losses that come in parts of rows are counted at their positions")
  func means() {
    var losses = PositionLosses(rowLength: 4)
    // Two rows, of which the last position of each predicts nothing.
    losses.add([1, 2, 3], from: 0)
    losses.add([0, 5, 6], from: 3)
    losses.add([7, 0], from: 6)
    losses.count = 6
    #expect(losses.mean == 4)
    #expect(losses.mean(of: 1...1) == 3)
    #expect(losses.mean(of: 2...3) == 4.5)
  }

  @Test("the positions' losses of a model weigh up to its perplexity, and its teacher's to its own")
  func whole() throws {
    var options = EvaluationOptions(
      model: Fixtures.path("models/gpt2"), task: .languageModel,
      data: Fixtures.path("data/held-out.txt"), threads: 2)
    (options.length, options.rowLimit, options.isByPosition) = (24, 6, true)
    options.teacher = Fixtures.path("models/gpt2")
    let figures = try Evaluation(options).run { _ in }
    let parts = figures.filter { $0.positions != nil }
    #expect(
      parts.map(\.name) == ["1", "2-3", "4-7", "8-15", "16-23"].map { "perplexity after \($0)" })
    let count = parts.reduce(0) { $0 + ($1.positions?.count ?? 0) }
    let mean = parts.reduce(0) { $0 + log($1.value) * Double($1.positions?.count ?? 0) }
    let all = try #require(figures.first { $0.name == "perplexity" })
    #expect(count == 23 && abs(mean / 23 - log(all.value)) < 1e-9)
    #expect(parts.allSatisfy { $0.teacher == $0.value && $0.isCost })
  }
}
