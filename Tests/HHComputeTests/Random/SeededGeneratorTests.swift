// The generator's numbers, which must never change.

import HHCompute
import Testing

@Suite("SeededGenerator")
struct SeededGeneratorTests {
  @Test("The sequence is xoshiro256** seeded by SplitMix64")
  func reference() {
    var zero = SeededGenerator(seed: 0)
    #expect(zero.next() == 0x99EC_5F36_CB75_F2B4)
    #expect(zero.next() == 0xBF6E_1F78_4956_452A)
    #expect(zero.next() == 0x1A5F_849D_4933_E6E0)
    var other = SeededGenerator(seed: 42)
    #expect(other.next() == 0x1578_0B2E_0C2E_C716)
  }

  @Test("Normal numbers have the moments of the normal distribution")
  func normal() {
    var generator = SeededGenerator(seed: 1)
    let values = (0..<40_000).map { _ in Double(generator.normal()) }
    let mean = values.reduce(0, +) / 40_000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40_000
    let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / 40_000
    // Five standard errors: 1/√n, √(2/n), √(96/n).
    #expect(abs(mean) < 0.025)
    #expect(abs(variance - 1) < 0.036)
    #expect(abs(fourth - 3) < 0.245)
  }

  @Test("Uniform numbers stay in range and are even")
  func uniform() {
    var generator = SeededGenerator(seed: 2)
    var counts = [Int](repeating: 0, count: 6)
    for _ in 0..<6000 {
      let value = generator.uniform()
      #expect(value >= 0 && value < 1)
      counts[generator.uniform(below: 6)] += 1
    }
    #expect(counts.allSatisfy { (850...1150).contains($0) })
  }

  @Test("Splitting depends on the label, leaves the parent alone, and repeats")
  func split() {
    let parent = SeededGenerator(seed: 3)
    var first = parent.split("a")
    var again = parent.split("a")
    var other = parent.split("b")
    let value = first.next()
    #expect(value == again.next())
    #expect(value != other.next())
    #expect(parent == SeededGenerator(seed: 3))
  }

  @Test("A shuffle is a permutation and moves things")
  func shuffle() {
    var generator = SeededGenerator(seed: 4)
    let indices = generator.shuffledIndices(100)
    #expect(indices.sorted() == Array(0..<100))
    #expect(indices != Array(0..<100))
    #expect(generator.shuffledIndices(0).isEmpty)
    #expect(generator.shuffledIndices(1) == [0])
  }
}
