// Numbers and lists as people read them.

internal import Glibc

/// Numbers, sizes, durations and lists as text.
package enum Format {
  /// A number with a fixed number of digits after the point.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    // A NaN's sign says nothing.
    guard !value.isNaN else { return "nan" }
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    let whole = Int(scaled / scale)
    let fraction = Int(scaled - Double(whole) * scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let text = "\(fraction)"
    return "\(sign)\(whole)." + String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// A number in three significant digits.
  package static func brief(_ value: Double) -> String {
    guard !value.isNaN else { return "nan" }
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    var exponent = Int(log10(abs(value)).rounded(.down))
    var mantissa = value / pow(10, Double(exponent))
    if abs(mantissa) >= 9.995 {
      mantissa /= 10
      exponent += 1
    }
    if (-3...5).contains(exponent) { return fixed(value, max(0, 2 - exponent)) }
    return "\(fixed(mantissa, 2))e\(exponent)"
  }

  /// A count with thousands separated by commas.
  package static func count(_ value: Int) -> String {
    let digits = "\(value.magnitude)"
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return value < 0 ? "-" + text : text
  }

  /// A layer by its number, which counts from 0 as the tensors' names do, and how far it is among all.
  package static func layer(_ index: Int, of count: Int) -> String {
    "layer \(index) (\(index + 1) of \(count))"
  }

  /// What something may be: `a`, `a or b`, `a, b or c`; empty for nothing.
  package static func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  /// Whole numbers in ascending order, neighbours as a range: `0,3-5`, as Slurm writes them too.
  package static func ranges(_ numbers: some Sequence<Int>) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = ranges.last, last.upperBound == number - 1 {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }

  /// A size in bytes with a decimal unit.
  package static func bytes(_ value: Int) -> String {
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where Double(value) >= size {
      return fixed(Double(value) / size, 1) + " " + unit
    }
    return "\(value) B"
  }

  /// A duration, rounded to what matters.
  package static func duration(_ seconds: Double) -> String {
    if seconds < 10 { return fixed(seconds, 1) + " s" }
    let whole = Int(min(seconds, 1e9).rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
