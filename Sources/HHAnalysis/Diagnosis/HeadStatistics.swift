// What the Hedgehog paper looks at in attention weights: how spiky and how monotone they are.

internal import Glibc
internal import HHCompute

/// Means over queries for one head (arXiv 2402.04347, section 3).
package struct HeadStatistics: Sendable, Equatable {
  /// Entropy of the softmax weights, in nats; low where attention is spiky.
  package internal(set) var teacherEntropy = 0.0
  /// The same of the model's own weights.
  package internal(set) var entropy = 0.0
  /// KL(softmax ‖ model), in nats.
  package internal(set) var divergence = 0.0
  /// Spearman's correlation of a query's weights with its dot products: 1 where a larger product
  /// always has a larger weight, as with softmax.
  package internal(set) var monotonicity = 0.0
  private var queries = 0
  private var ranked = 0

  /// The means over several heads or layers.
  package static func mean(_ all: [HeadStatistics]) -> HeadStatistics {
    var result = HeadStatistics()
    let count = Double(max(1, all.count))
    for one in all {
      result.teacherEntropy += one.teacherEntropy / count
      result.entropy += one.entropy / count
      result.divergence += one.divergence / count
      result.monotonicity += one.monotonicity / count
    }
    return result
  }

  /// Adds one query; the first that sees a single key has nothing to choose from and is passed over.
  mutating func add(
    teacher: ArraySlice<Float>, model: ArraySlice<Float>, products: [Double]
  ) {
    guard teacher.count > 1 else { return }
    func entropy(_ weights: ArraySlice<Float>) -> Double {
      weights.reduce(0) { $1 > 0 ? $0 - Double($1) * log(Double($1)) : $0 }
    }
    queries += 1
    add(entropy(teacher), to: \.teacherEntropy, queries)
    add(entropy(model), to: \.entropy, queries)
    let divergence = zip(teacher, model).reduce(0.0) { sum, pair in
      guard pair.0 > 0 else { return sum }
      // A weight of the model may be as small as float32 holds, and below: not zero, but near it.
      return sum + Double(pair.0) * log(Double(pair.0) / max(Double(pair.1), 1e-38))
    }
    add(divergence, to: \.divergence, queries)
    let rank = Correlation.spearman(model.map(Double.init), products)
    // Two keys say little of an order, and equal weights nothing.
    guard teacher.count > 2, rank.isFinite else { return }
    ranked += 1
    add(rank, to: \.monotonicity, ranked)
  }

  /// Moves a mean towards its `count`-th value.
  private mutating func add(
    _ value: Double, to mean: WritableKeyPath<HeadStatistics, Double>, _ count: Int
  ) {
    self[keyPath: mean] += (value - self[keyPath: mean]) / Double(count)
  }
}
