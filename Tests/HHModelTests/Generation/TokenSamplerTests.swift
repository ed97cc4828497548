// Which tokens can be drawn, and that draws are repeatable.

import HHCompute
import Testing

@testable import HHModel

@Suite("TokenSampler")
struct TokenSamplerTests {
  /// Probabilities 0.5, 0.25, 0.15, 0.1 in another order.
  private let logits = Matrix(rows: 1, columns: 4, [-1.897120, -0.693147, -2.302585, -1.386294])

  private func drawn(_ options: SamplingOptions, count: Int = 4000) -> [Int] {
    var sampler = TokenSampler(options: options, seed: 5, rowCount: 1)
    var counts = [0, 0, 0, 0]
    for _ in 0..<count { counts[Int(sampler.draw(logits)[0])] += 1 }
    return counts
  }

  @Test("a temperature of 0 takes the likeliest, of equal ones the first")
  func greedy() {
    #expect(drawn(SamplingOptions(temperature: 0), count: 10) == [0, 10, 0, 0])
    var sampler = TokenSampler(options: SamplingOptions(temperature: 0), seed: 0, rowCount: 1)
    #expect(sampler.draw(Matrix(rows: 1, columns: 3, [1, 2, 2])) == [1])
  }

  private static let cases: [(options: SamplingOptions, shares: [Double])] = [
    (.init(), [0.15, 0.5, 0.1, 0.25]),
    (.init(topK: 2), [0, 0.6667, 0, 0.3333]),
    (.init(topK: 9), [0.15, 0.5, 0.1, 0.25]),
    (.init(topP: 0.4), [0, 1, 0, 0]),
    (.init(topP: 0.7), [0, 0.6667, 0, 0.3333]),
    (.init(topP: 0.8), [0.1667, 0.5556, 0, 0.2778]),
    (.init(topK: 3, topP: 0.8), [0, 0.6667, 0, 0.3333]),
    (.init(temperature: 0.5), [0.0652, 0.7246, 0.0290, 0.1812]),
  ]

  @Test("top-k and top-p leave the likeliest tokens, in their proportions", arguments: cases)
  func restrictions(_ options: SamplingOptions, _ expected: [Double]) {
    for (count, share) in zip(drawn(options), expected) {
      #expect(abs(Double(count) / 4000 - share) < 0.03)
      if share == 0 { #expect(count == 0) }
    }
  }

  @Test("a row's draws depend on the seed and its number alone")
  func rows() {
    let flat = Matrix(rows: 3, columns: 50)
    func draws(rows: Range<Int>, seed: UInt64) -> [[Int32]] {
      var sampler = TokenSampler(
        options: SamplingOptions(), seed: seed, rowCount: rows.count, firstRow: rows.lowerBound)
      return (0..<5).map { _ in sampler.draw(flat.rows(0..<rows.count)) }
    }
    let all = draws(rows: 0..<3, seed: 1)
    #expect(draws(rows: 1..<3, seed: 1) == all.map { Array($0.dropFirst()) })
    #expect(draws(rows: 0..<3, seed: 2) != all)
  }
}
