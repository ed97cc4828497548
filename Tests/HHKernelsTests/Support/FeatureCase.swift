// Attention over given features, by the book.

import Glibc
import HHKernels
import HHTestSupport
import Testing

/// Random queries, keys, values and features of one query head.
struct FeatureCase: CustomTestStringConvertible {
  var head: HeadCase
  var features = 7
  var window = 0
  /// Whether keys have scales, the logarithms of factors of their features.
  var hasScales = false
  /// The position of the first query, and the positions from one to the next.
  var past = 0
  var step = 1

  static let scoreScale: Float = 0.4
  static let windowFactor: Float = 0.7
  static let epsilon: Float = 1e-8

  var testDescription: String {
    "\(head), \(features) features, window \(window)\(hasScales ? ", scales" : "")"
      + (past > 0 || step > 1 ? ", from \(past) by \(step)" : "")
  }

  static let all: [FeatureCase] =
    HeadCase.all.filter { $0.group == 1 && $0.keys <= $0.length }.map { FeatureCase(head: $0) }
    + counts.dropFirst().map { features in
      FeatureCase(
        head: HeadCase(length: 4, keys: 4, headSize: 3, isCausal: true), features: features)
    }
    + [1, 5, 16, 64, 90].map { window in
      FeatureCase(
        head: HeadCase(length: 70, keys: 67, headSize: 6, isCausal: true), window: window)
    }
    + [false, true].map { isCausal in
      FeatureCase(
        head: HeadCase(length: 66, keys: 66, headSize: 5, isCausal: isCausal), hasScales: true)
    }

  /// What is read, drawn at random; features are positive.
  struct Inputs {
    var q: Grid, k: Grid, v: Grid
    var phiQ: [Float], phiK: [Float], scales: [Float]
    /// The factor of the window's weights, one for the only query head.
    var windowFactors = [FeatureCase.windowFactor]
  }

  func inputs(seed: UInt64) -> Inputs {
    let (q, k, v) = head.inputs(seed: seed)
    var samples = Samples(seed: seed + 1)
    return Inputs(
      q: q, k: k, v: v, phiQ: samples.values(head.length * features).map { abs($0) + 0.1 },
      phiK: samples.values(head.keys * features).map { abs($0) + 0.1 },
      scales: hasScales ? samples.values(head.keys, spread: 3) : [])
  }

  func item(_ inputs: Inputs, out: Grid) -> LinearAttentionItem {
    var item = LinearAttentionItem(
      length: head.length, keys: head.keys, headSize: head.headSize, features: features,
      window: window, causal: head.isCausal, queryStride: inputs.q.layout.stride,
      keyStride: inputs.k.layout.stride, valueStride: inputs.v.layout.stride,
      outStride: out.layout.stride, scoreScale: Self.scoreScale, epsilon: Self.epsilon)
    (item.past, item.queryStep) = (past, step)
    return item
  }

  /// Everything that has a gradient, in double precision.
  struct Doubles {
    var q: [[Double]], k: [[Double]], v: [[Double]], phiQ: [[Double]], phiK: [[Double]]
    var scales: [Double]
    var windowFactor = Double(FeatureCase.windowFactor)
  }

  func doubles(_ inputs: Inputs) -> Doubles {
    func rows(_ x: [Float]) -> [[Double]] {
      stride(from: 0, to: x.count, by: features).map { x[$0..<$0 + features].map(Double.init) }
    }
    return Doubles(
      q: inputs.q.rows, k: inputs.k.rows, v: inputs.v.rows, phiQ: rows(inputs.phiQ),
      phiK: rows(inputs.phiK), scales: inputs.scales.map(Double.init))
  }

  func visible(_ i: Int) -> Int {
    head.isCausal ? min(head.keys, past + i * step + 1) : head.keys
  }

  /// The scores of the keys from `first` on that query `i` sees.
  func scores(_ i: Int, from first: Int, _ x: Doubles) -> [Double] {
    (first..<visible(i)).map { Double(Self.scoreScale) * dot(x.q[i], x.k[$0]) }
  }

  /// The weights of the keys that query `i` sees, not normalised.
  func weights(_ i: Int, _ x: Doubles) -> [Double] {
    let visible = visible(i)
    let start = window == 0 ? visible : min(visible, max(0, past + i * step + 1 - window))
    let scores = scores(i, from: start, x)
    let top = scores.max() ?? 0
    return (0..<start).map {
      dot(x.phiQ[i], x.phiK[$0]) * (x.scales.isEmpty ? 1 : exp(x.scales[$0]))
    } + scores.map { x.windowFactor * exp($0 - top) }
  }

  /// Σ w v / (Σ w + ε) for query `i`; zeros where it sees no key.
  func output(_ weights: [Double], _ x: Doubles) -> [Double] {
    let sum = weights.reduce(Double(Self.epsilon), +)
    return (0..<head.headSize).map { column in
      weights.indices.reduce(0.0) { $0 + weights[$1] * x.v[$1][column] / sum }
    }
  }

  func outputs(_ x: Doubles) -> [Double] {
    (0..<head.length).flatMap { output(weights($0, x), x) }
  }
}
