// Where numbers lie along a side of a drawing, and which of them are written there.

internal import Glibc
internal import HHFormat

/// One axis of a chart.
struct Axis {
  /// How numbers are laid along it.
  enum Scale: Equatable {
    /// Equal steps are equal differences.
    case linear
    /// The same, with ticks at whole numbers only.
    case whole
    /// Equal steps are equal factors; ticks are powers of a base.
    case logarithmic(base: Double)
  }

  /// The numbers at both ends.
  let range: ClosedRange<Double>
  let scale: Scale
  /// The numbers that are written.
  let ticks: [Double]
  private let digits: Int

  /// An axis that holds all of some finite values; on a logarithmic one they are above zero.
  init(of values: [Double], _ scale: Scale = .linear) {
    let (lowest, highest) = (values.min() ?? 0, values.max() ?? 1)
    self.scale = scale
    if case .logarithmic(let base) = scale {
      let first = (log2(lowest) / log2(base) + 1e-9).rounded(.down)
      let last = max((log2(highest) / log2(base) - 1e-9).rounded(.up), first + 1)
      let step = ((last - first) / 8).rounded(.up)
      range = pow(base, first)...pow(base, last)
      ticks = stride(from: first, through: last, by: step).map { pow(base, $0) }
      digits = 0
      return
    }
    // Near zero the distance to zero says something; far from it the differences do.
    let start = lowest > 0 && lowest < 0.4 * highest ? 0 : lowest
    let size = max(highest - start, max(abs(highest), 1e-9) * 1e-3)
    let raw = size / 4
    let power = pow(10, log10(raw).rounded(.down))
    let nice = [1, 2, 5, 10].first { $0 * power >= raw * 0.999 } ?? 10
    let isWhole = scale == .whole
    let step = isWhole ? max(1, nice * power) : nice * power
    let first = (start / step + 1e-9).rounded(.down) * step
    let last = max((highest / step - 1e-9).rounded(.up) * step, first + step)
    range = isWhole ? lowest...max(highest, lowest + 1) : first...last
    ticks = (0...Int(((last - first) / step).rounded())).map { first + Double($0) * step }
      .filter { [range] in range.contains($0) }
    digits = min(max(0, -Int(log10(step * 1.001).rounded(.down))), 9)
  }

  /// How far along the axis a number lies, 0 to 1.
  func share(_ value: Double) -> Double {
    if case .logarithmic = scale {
      return log2(value / range.lowerBound) / log2(range.upperBound / range.lowerBound)
    }
    return (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// A tick in words.
  func label(_ tick: Double) -> String {
    if case .logarithmic = scale, tick < 1 {
      let power = Int(-log10(tick).rounded())
      return tick >= 1e-4 ? Format.fixed(tick, power) : "1e-\(power)"
    }
    return digits == 0 && abs(tick) < 1e15
      ? Format.count(Int(tick.rounded())) : Format.fixed(tick, digits)
  }
}
