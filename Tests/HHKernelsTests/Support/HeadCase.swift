// One key/value head with its query heads, and attention by the book.

import HHKernels
import HHTestSupport
import Testing

/// Sizes of one attention item, and random queries, keys and values for them.
struct HeadCase: CustomTestStringConvertible {
  var length: Int
  var keys: Int
  var headSize: Int
  var group = 1
  var isCausal: Bool

  var testDescription: String {
    "\(length) queries, \(keys) keys, \(group) heads of \(headSize)\(isCausal ? ", causal" : "")"
  }

  /// Heads of every size around a vector, then lengths around the blocks of queries and keys.
  static let all: [HeadCase] =
    counts.dropFirst().map { HeadCase(length: 5, keys: 5, headSize: $0, isCausal: true) }
    + [false, true].flatMap { isCausal in
      [(1, 1, 3), (7, 0, 1), (9, 4, 3), (16, 16, 1), (64, 64, 1), (70, 67, 2), (131, 131, 1)].map {
        HeadCase(length: $0.0, keys: $0.1, headSize: 6, group: $0.2, isCausal: isCausal)
      }
    }
    // One query against many keys, as in decoding, with heads of several vectors and of parts.
    + [(70, 8), (0, 64), (19, 64), (131, 80), (33, 131)].map {
      HeadCase(length: 1, keys: $0.0, headSize: $0.1, group: 2, isCausal: false)
    }

  func inputs(seed: UInt64, spread: Float = 1.5) -> (q: Grid, k: Grid, v: Grid) {
    var samples = Samples(seed: seed)
    return (
      Grid(rows: length, columns: group * headSize, &samples, spread: spread),
      Grid(rows: keys, columns: headSize, &samples, spread: spread),
      Grid(rows: keys, columns: headSize, &samples, spread: spread)
    )
  }

  func item(_ q: Grid, _ k: Grid, _ v: Grid, out: Grid) -> SoftmaxAttentionItem {
    SoftmaxAttentionItem(
      length: length, keys: keys, headSize: headSize, group: group, causal: isCausal,
      queryStride: q.layout.stride, keyStride: k.layout.stride, valueStride: v.layout.stride,
      outStride: out.layout.stride)
  }

  /// The number of keys that query `i` sees.
  func visible(_ i: Int) -> Int { isCausal ? min(keys, i + 1) : keys }

  /// Query `i` of one of the heads.
  func query(_ q: [[Double]], _ i: Int, head: Int) -> [Double] {
    Array(q[i][head * headSize..<(head + 1) * headSize])
  }

  /// Σ w v / (Σ w + epsilon) for every query and head, zeros where it sees no key.
  func output(
    _ q: [[Double]], _ k: [[Double]], _ v: [[Double]], epsilon: Double = 0,
    weight: (_ head: Int, _ q: [Double], _ k: [Double]) -> Double
  ) -> [Double] {
    (0..<length).flatMap { i in
      (0..<group).flatMap { head -> [Double] in
        let query = query(q, i, head: head)
        let weights = (0..<visible(i)).map { weight(head, query, k[$0]) }
        let sum = weights.reduce(epsilon, +)
        return (0..<headSize).map { column in
          weights.indices.reduce(0.0) { $0 + weights[$1] * v[$1][column] / sum }
        }
      }
    }
  }
}

/// Compares a gradient with the change of `loss` along a random direction from `x`.
func expectSlope(
  _ gradient: [Double], at x: [[Double]], tolerance: Double = 1e-4, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation, _ loss: ([[Double]]) -> Double
) {
  var samples = Samples(seed: 99)
  let step = x.map { samples.values($0.count).map(Double.init) }
  func at(_ t: Double) -> Double {
    loss(zip(x, step).map { row, step in zip(row, step).map { $0 + t * $1 } })
  }
  let expected = (at(1e-5) - at(-1e-5)) / 2e-5
  expectClose(
    [Float(dot(gradient, Array(step.joined())))], [expected], tolerance: tolerance, what,
    sourceLocation: sourceLocation)
}
