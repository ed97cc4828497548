// Choosing the next token from a decoder's logits.

internal import Glibc
internal import HHCompute

/// How tokens are drawn.
package struct SamplingOptions: Sendable, Equatable {
  /// Divides the logits; 0 takes the likeliest token every time.
  package var temperature: Float
  /// Only the k likeliest tokens are drawn; nil means all.
  package var topK: Int?
  /// Only the likeliest tokens that together have this probability are drawn, the one that reaches
  /// it included; 1 means all.
  package var topP: Float

  /// Creates options; the default draws from the model's own distribution.
  package init(temperature: Float = 1, topK: Int? = nil, topP: Float = 1) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
  }
}

/// Draws tokens, each row from a generator of its own: what a row draws does not depend on the rows
/// beside it.
struct TokenSampler {
  let options: SamplingOptions
  private var generators: [SeededGenerator]

  /// Prepares to draw for rows `firstRow`, `firstRow + 1`, …
  init(options: SamplingOptions, seed: UInt64, rowCount: Int, firstRow: Int = 0) {
    self.options = options
    generators = (0..<rowCount).map { row in
      SeededGenerator(seed: seed).split("row \(firstRow + row)")
    }
  }

  /// A token below `vocabulary` for a row, all equally likely.
  mutating func uniform(row: Int, below vocabulary: Int) -> Int32 {
    Int32(generators[row].uniform(below: vocabulary))
  }

  /// One token for each row of `logits` (rows, vocabulary). Of equal logits the lower id comes
  /// first.
  mutating func draw(_ logits: Matrix) -> [Int32] {
    (0..<logits.rows).map { row in draw(logits, row: row) }
  }

  /// One token for one row of `logits`; the other rows' draws are as if it had not been asked for.
  mutating func draw(_ logits: Matrix, row: Int) -> Int32 {
    let logits = logits.rows(row..<row + 1).values
    guard options.temperature > 0 else {
      var best = 0
      for (id, value) in logits.enumerated() where value > logits[best] { best = id }
      return Int32(best)
    }
    let top = logits.max() ?? 0
    var weights = logits.map { exp(Double(($0 - top) / options.temperature)) }
    restrict(&weights)
    // By inverting the cumulative distribution.
    var target = Double(generators[row].uniform()) * weights.reduce(0, +)
    for (id, weight) in weights.enumerated() {
      target -= weight
      if target < 0 { return Int32(id) }
    }
    return Int32(weights.lastIndex { $0 > 0 } ?? 0)
  }

  /// Sets the weights outside the likeliest k and outside the nucleus to zero.
  private func restrict(_ weights: inout [Double]) {
    let kept = min(options.topK ?? weights.count, weights.count)
    guard kept < weights.count || options.topP < 1 else { return }
    let order = weights.indices.sorted { weights[$0] > weights[$1] }
    let total = order.prefix(kept).reduce(0) { $0 + weights[$1] }
    var sum = 0.0
    for (rank, id) in order.enumerated() {
      if rank >= kept || sum >= Double(options.topP) * total, rank > 0 { weights[id] = 0 }
      sum += weights[id]
    }
  }
}
