// Llama 3's RoPE scaling.

internal import Glibc

/// Parameters of the scaling (transformers, `_compute_llama3_parameters`).
package struct Llama3Scaling: Sendable {
  /// Divisor of the slow frequencies.
  package let factor: Double
  /// Wavelengths above the original length divided by this are slow.
  package let lowFrequencyFactor: Double
  /// Wavelengths below the original length divided by this stay.
  package let highFrequencyFactor: Double
  /// Positions that the model was originally trained on.
  package let originalLength: Double

  /// Creates a scaling.
  package init(
    factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
    originalLength: Double
  ) {
    self.factor = factor
    self.lowFrequencyFactor = lowFrequencyFactor
    self.highFrequencyFactor = highFrequencyFactor
    self.originalLength = originalLength
  }

  /// The frequencies θ^(−2i/d) without scaling; `count` is d/2.
  package static func frequencies(base: Double, count: Int) -> [Double] {
    (0..<count).map { pow(base, -2 * Double($0) / Double(2 * count)) }
  }

  /// A frequency after scaling: a slow one is divided, one between the bounds is blended.
  package func scaled(_ frequency: Double) -> Double {
    let wavelength = 2 * Double.pi / frequency
    if wavelength < originalLength / highFrequencyFactor { return frequency }
    if wavelength > originalLength / lowFrequencyFactor { return frequency / factor }
    let blend =
      (originalLength / wavelength - lowFrequencyFactor)
      / (highFrequencyFactor - lowFrequencyFactor)
    return (1 - blend) * frequency / factor + blend * frequency
  }
}
