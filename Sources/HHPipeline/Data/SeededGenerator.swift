// Random numbers that are the same on every machine for the same seed.

internal import Glibc

/// SplitMix64 (Steele, Lea and Flood, 2014): a counter through a mixing function.
///
/// The standard library's own algorithms may change with its version, so what results must not
/// depend on is drawn with the methods below.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts a sequence.
  package init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// A generator of its own for a purpose; the same purpose always gives the same one, and this
  /// generator does not move.
  package func split(_ label: String) -> SeededGenerator {
    // FNV-1a over the label's bytes.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return SeededGenerator(seed: Self.mixed(state ^ Self.mixed(hash)))
  }

  /// A whole number from 0 up to but not including `bound`, which must be positive; each equally
  /// likely.
  package mutating func index(below bound: Int) -> Int {
    precondition(bound > 0, "a bound must be positive")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number from 0 up to but not including 1, in steps of 2⁻⁵³.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A normally distributed number (Box–Muller).
  package mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// 0 up to but not including `count` in random order (Fisher–Yates).
  package mutating func shuffledIndices(_ count: Int) -> [Int] {
    var indices = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      indices.swapAt(last, index(below: last + 1))
    }
    return indices
  }
}
