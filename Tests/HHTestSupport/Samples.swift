// Random numbers, and their comparison with double-precision references.

import Glibc
package import Testing

/// A small deterministic generator (SplitMix64), so that every run tests the same numbers.
package struct Samples {
  private var state: UInt64

  /// Starts a repeatable sequence.
  package init(seed: UInt64) { state = seed }

  /// A number in [−1, 1).
  package mutating func next() -> Float {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float((z ^ (z >> 31)) >> 40) / Float(1 << 23) - 1
  }

  /// Numbers in [−spread, spread).
  package mutating func values(_ count: Int, spread: Float = 1) -> [Float] {
    (0..<count).map { _ in spread * next() }
  }
}

/// Expects `actual` to be within `tolerance` of `expected`, relative to the larger of its size and 1.
package func expectClose(
  _ actual: [Float], _ expected: [Double], tolerance: Double = 1e-5, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  var worst = (difference: 0.0, index: 0)
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    let difference = abs(Double(a) - e) / max(1, abs(e))
    // A NaN compares false with everything, so it must be asked for.
    if !(difference <= worst.difference) { worst = (difference, index) }
    if difference.isNaN { break }
  }
  #expect(
    worst.difference <= tolerance, "\(what) at \(worst.index)", sourceLocation: sourceLocation)
}

/// The gradient of `loss` at `x` by central differences.
package func differences(
  _ x: [Double], step: Double = 1e-5, _ loss: ([Double]) -> Double
) -> [Double] {
  x.indices.map { index in
    var moved = x
    moved[index] += step
    let above = loss(moved)
    moved[index] -= 2 * step
    return (above - loss(moved)) / (2 * step)
  }
}

/// Σ weights · values: a loss whose gradient with respect to the values is `weights`.
package func weighted(_ weights: [Double], _ values: [Double]) -> Double { dot(weights, values) }

// Plain loops: the closures of `zip` and `reduce` are several times slower without optimisation.
/// Σ a · b over lists, the second of which may be longer.
package func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  var index = 0
  while index < a.count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}

/// eˣ over its sum, which is 1 for a list of one; an empty list has no softmax but itself.
package func softmax(_ x: [Double]) -> [Double] {
  guard let peak = x.max() else { return [] }
  let e = x.map { exp($0 - peak) }
  let sum = e.reduce(0, +)
  return e.map { $0 / sum }
}

/// The activation functions by their names in the sources, by the book.
package func activation(_ name: String, _ x: Double) -> Double {
  switch name {
  case "gelu": 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
  case "geluTanh": 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  case "relu": max(0, x)
  case "silu": x / (1 + exp(-x))
  case "tanh": tanh(x)
  default: .nan
  }
}
