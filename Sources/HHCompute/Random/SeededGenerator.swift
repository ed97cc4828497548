// Random numbers that are the same on every machine for the same seed.

/// xoshiro256** (Blackman and Vigna 2018), its state filled by SplitMix64.
///
/// Only integer arithmetic and IEEE operations that round exactly are used, neither the system's
/// logarithm nor the standard library's shuffle: a seed gives the same numbers everywhere.
package struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Starts the sequence of a seed.
  package init(seed: UInt64) {
    var seed = seed
    state = (
      Self.splitMix(&seed), Self.splitMix(&seed), Self.splitMix(&seed), Self.splitMix(&seed)
    )
  }

  /// SplitMix64 (Steele, Lea and Flood 2014).
  private static func splitMix(_ seed: inout UInt64) -> UInt64 {
    seed &+= 0x9E37_79B9_7F4A_7C15
    var mixed = seed
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  package static func == (a: Self, b: Self) -> Bool { a.state == b.state }

  package mutating func next() -> UInt64 {
    func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 {
      value << count | value >> (64 - count)
    }
    let result = rotated(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotated(state.3, 45)
    return result
  }

  /// A generator of its own for a purpose: it depends on this generator's present state and the
  /// label, and drawing from either leaves the other alone.
  package func split(_ label: String) -> SeededGenerator {
    // FNV-1a of the label, then of the state.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for word in [state.0, state.1, state.2, state.3] {
      hash ^= word
      hash = Self.splitMix(&hash)
    }
    return SeededGenerator(seed: hash)
  }

  /// A number from 0 up to but not including 1, a multiple of 2⁻²⁴.
  package mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// An integer from 0 up to but not including `bound`, which is positive; all equally likely.
  package mutating func uniform(below bound: Int) -> Int {
    precondition(bound > 0, "uniform(below:): the bound must be positive")
    let bound = UInt64(bound)
    // The lowest draws would make some results likelier than others (Lemire 2019).
    let rejected = (0 &- bound) % bound
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= rejected { return Int(product.high) }
    }
  }

  /// A number of the standard normal distribution, by Marsaglia's polar method.
  package mutating func normal() -> Float {
    while true {
      let x = Double(next() >> 11) * 0x1p-52 - 1
      let y = Double(next() >> 11) * 0x1p-52 - 1
      let square = x * x + y * y
      if square > 0, square < 1 {
        return Float(x * (-2 * Self.logarithm(square) / square).squareRoot())
      }
    }
  }

  /// ln x for a positive normal x, to about 1e-15: x = 2ᵉ m, ln m = 2 artanh((m - 1) / (m + 1)).
  private static func logarithm(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 1.4142135623730951 {
      significand /= 2
      exponent += 1
    }
    let ratio = (significand - 1) / (significand + 1)
    var sum = 0.0
    for power in stride(from: 21.0, through: 1, by: -2) { sum = sum * ratio * ratio + 1 / power }
    return exponent * 0.6931471805599453 + 2 * ratio * sum
  }

  /// The integers from 0 up to `count` in random order (Fisher and Yates).
  package mutating func shuffledIndices(_ count: Int) -> [Int] {
    var indices = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      indices.swapAt(last, uniform(below: last + 1))
    }
    return indices
  }
}
