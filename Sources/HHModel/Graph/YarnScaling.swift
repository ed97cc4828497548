// YaRN's scaling of rotary frequencies (arXiv 2309.00071), as transformers computes it.

internal import Glibc
internal import HHFormat

/// Divides the frequencies that turn slowly, keeps the fast ones and blends in between.
struct YarnScaling {
  private let factor: Double
  /// Places among the frequencies between which the blend runs.
  private let low: Double
  private let high: Double
  /// What cosines and sines are multiplied by.
  let attentionFactor: Float

  /// Reads the parameters of heads of `headSize`.
  init(_ settings: RotarySettings, headSize: Int, base: Double) throws(FormatError) {
    let factor = try settings.number("factor")
    func attention(_ share: Double) -> Double { factor <= 1 ? 1 : 0.1 * share * log(factor) + 1 }
    var usual = attention(1)
    if let share = try settings.optionalNumber("mscale"),
      let all = try settings.optionalNumber("mscale_all_dim")
    {
      usual = attention(share) / attention(all)
    }
    attentionFactor = Float(try settings.optionalNumber("attention_factor") ?? usual)
    let length = Double(try settings.originalLength)
    let size = Double(headSize)
    /// The place of the frequency that turns so often over the original length.
    func place(ofTurns turns: Double) -> Double {
      size * log(length / (turns * 2 * .pi)) / (2 * log(base))
    }
    var low = place(ofTurns: try settings.optionalNumber("beta_fast") ?? 32)
    var high = place(ofTurns: try settings.optionalNumber("beta_slow") ?? 1)
    if try settings.bool("truncate", usual: true) {
      (low, high) = (low.rounded(.down), high.rounded(.up))
    }
    (low, high) = (max(low, 0), min(high, size - 1))
    self.factor = factor
    self.low = low
    self.high = high == low ? high + 0.001 : high
  }

  /// The frequencies after scaling.
  func scaled(_ frequencies: [Double]) -> [Double] {
    frequencies.enumerated().map { index, frequency in
      let blend = min(1, max(0, (Double(index) - low) / (high - low)))
      return blend * frequency / factor + (1 - blend) * frequency
    }
  }
}
