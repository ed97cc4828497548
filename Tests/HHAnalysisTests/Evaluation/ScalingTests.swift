// Exponents and crossovers of made-up timings.

import HHAnalysis
import Testing

@Suite struct ScalingTests {
  @Test("the exponent of a power is the power", arguments: [0, 1, 2, 3])
  func exponent(power: Int) throws {
    let points = [1024, 2048, 8192].map { length in
      (length: length, seconds: (0..<power).reduce(1e-6) { product, _ in product * Double(length) })
    }
    #expect(abs(try #require(Scaling.exponent(points)) - Double(power)) < 1e-9)
  }

  @Test("one length, or the same one twice, has no exponent")
  func none() {
    #expect(Scaling.exponent([]) == nil)
    #expect(Scaling.exponent([(64, 1)]) == nil)
    #expect(Scaling.exponent([(64, 1), (64, 2)]) == nil)
  }

  @Test("the crossover lies where two powers meet")
  func crossover() {
    // 192 n and n² meet at 192.
    let points = [64, 128, 256, 512].map { length in
      (length: length, first: 192 * Double(length), second: Double(length * length))
    }
    #expect(Scaling.crossover(points) == 192)
    #expect(Scaling.crossover(Array(points[2...])) == 256)
    #expect(Scaling.crossover(Array(points[..<2])) == nil)
    #expect(Scaling.crossover([]) == nil)
  }
}
