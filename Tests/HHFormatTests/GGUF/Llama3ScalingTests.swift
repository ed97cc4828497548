import Glibc
import HHFormat
import Testing

@Suite("Llama3Scaling")
struct Llama3ScalingTests {
  private let scaling = Llama3Scaling(
    factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength: 8192)

  @Test("frequencies fall from one by powers of the base")
  func frequencies() {
    let found = Llama3Scaling.frequencies(base: 10_000, count: 4)
    for (frequency, expected) in zip(found, [1, 0.1, 0.01, 0.001]) {
      #expect(abs(frequency - expected) < 1e-15)
    }
  }

  @Test("fast frequencies stay, slow ones are divided, those between are blended")
  func scaled() {
    func frequency(wavelength: Double) -> Double { 2 * Double.pi / wavelength }
    let (fast, slow) = (frequency(wavelength: 2047), frequency(wavelength: 8193))
    #expect(scaling.scaled(fast) == fast)
    #expect(scaling.scaled(slow) == slow / 8)
    // Half way: 8192 / wavelength = 2.5, the mean of 1 and 4.
    let middle = frequency(wavelength: 8192 / 2.5)
    #expect(abs(scaling.scaled(middle) / middle - (1 + 1.0 / 8) / 2) < 1e-12)
    // The blend meets both ends.
    #expect(abs(scaling.scaled(frequency(wavelength: 2048.001)) / fast - 1) < 1e-3)
    #expect(abs(scaling.scaled(frequency(wavelength: 8191.999)) / slow - 1.0 / 8) < 1e-3)
  }
}
