// Choosing the next token from a decoder's logits.

internal import Glibc
internal import HHCompute
internal import Synchronization

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
    let shares = (0..<logits.rows).map { share(row: $0) }
    let chosen = Mutex([Int32](repeating: 0, count: logits.rows))
    // Of a large vocabulary the exponentials take a while.
    parallelFor(count: logits.rows) { [options] range, _ in
      for row in range {
        let token = options.token(logits.rows(row..<row + 1), share: shares[row])
        chosen.withLock { $0[row] = token }
      }
    }
    return chosen.withLock(\.self)
  }

  /// One token for one row of `logits`; the other rows' draws are as if it had not been asked for.
  mutating func draw(_ logits: Matrix, row: Int) -> Int32 {
    options.token(logits.rows(row..<row + 1), share: share(row: row))
  }

  /// Where in the distribution a row's next token lies, from 0 to 1.
  private mutating func share(row: Int) -> Double {
    options.temperature > 0 ? Double(generators[row].uniform()) : 0
  }
}

extension SamplingOptions {
  /// The token at a place of the distribution of one row of logits, by inverting the cumulative one.
  fileprivate func token(_ row: Matrix, share: Double) -> Int32 {
    guard temperature > 0 else { return Int32(row.argmaxOfRows[0]) }
    let logits = row.values
    let top = logits.max() ?? 0
    var weights = logits.map { exp(Double(($0 - top) / temperature)) }
    restrict(&weights)
    var target = share * weights.reduce(0, +)
    for (id, weight) in weights.enumerated() {
      target -= weight
      if target < 0 { return Int32(id) }
    }
    return Int32(weights.lastIndex { $0 > 0 } ?? 0)
  }

  /// Sets the weights outside the likeliest k and outside the nucleus to zero.
  private func restrict(_ weights: inout [Double]) {
    let kept = min(topK ?? weights.count, weights.count)
    guard kept < weights.count || topP < 1 else { return }
    let order = weights.indices.sorted { weights[$0] > weights[$1] }
    let total = order.prefix(kept).reduce(0) { $0 + weights[$1] }
    var sum = 0.0
    for (rank, id) in order.enumerated() {
      if rank >= kept || sum >= Double(topP) * total, rank > 0 { weights[id] = 0 }
      sum += weights[id]
    }
  }
}
