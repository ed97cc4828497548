// Random directions, the same from the same seed.

internal import Glibc

/// Normal numbers from a seed: SplitMix64 and the Box-Muller transform.
struct NormalSamples {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number in (0, 1].
  private mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return (Double((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53
  }

  mutating func next() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// A random unit vector that is orthogonal to unit vectors orthogonal to each other.
  mutating func direction(size: Int, orthogonalTo others: [[Double]]) -> [Double] {
    while true {
      var x = (0..<size).map { _ in next() }
      // Twice: what rounding leaves of the first time goes in the second.
      for other in others + others {
        let product = zip(x, other).reduce(0) { $0 + $1.0 * $1.1 }
        for j in x.indices { x[j] -= product * other[j] }
      }
      let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if length > 1e-6 { return x.map { $0 / length } }
    }
  }
}
