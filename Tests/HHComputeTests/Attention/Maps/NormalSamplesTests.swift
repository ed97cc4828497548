import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct NormalSamplesTests {
  @Test("Numbers have the moments of the normal distribution, and are the seed's")
  func moments() {
    func draw(_ seed: UInt64) -> [Double] {
      var samples = NormalSamples(seed: seed)
      return (0..<20_000).map { _ in samples.next() }
    }
    let x = draw(1)
    let moments = (1...4).map { power in
      x.reduce(0.0) { sum, x in sum + (0..<power).reduce(1.0) { product, _ in product * x } }
        / 20_000
    }
    // Five standard errors: 1/√n, √2/√n, √15/√n, √96/√n.
    let expected = [(0.0, 0.036), (1, 0.05), (0, 0.137), (3, 0.35)]
    for (moment, (mean, error)) in zip(moments, expected) {
      #expect(abs(moment - mean) < error)
    }
    #expect(draw(1) == x && draw(2) != x)
  }

  @Test("Directions are unit vectors, orthogonal to those given")
  func directions() {
    var samples = NormalSamples(seed: 3)
    var block: [[Double]] = []
    for _ in 0..<16 { block.append(samples.direction(size: 16, orthogonalTo: block)) }
    for a in 0..<16 {
      #expect(abs(dot(block[a], block[a]) - 1) < 1e-12)
      for b in 0..<a { #expect(abs(dot(block[a], block[b])) < 1e-12) }
    }
  }
}
