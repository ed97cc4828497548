// Output as a document shows it, beside what a command printed.

import Foundation

/// Compares lines of a document with lines that a command printed.
///
/// Times, rates and memory differ from run to run and are not compared. Numbers with a point may
/// differ by a twentieth, since kinds of processors round differently. Everything else is equal. A
/// line that begins with "…" stands for any number of lines; "…" inside one for any text. Lines of
/// progress, which a slow machine prints every ten seconds, may come between.
enum ShownOutput {
  /// What is wrong with the output, or nil.
  static func difference(_ shown: [String], from output: String) -> String? {
    var printed = output.components(separatedBy: "\n")[...]
    while printed.last?.isEmpty == true { printed.removeLast() }
    var isOpen = false
    for line in shown {
      if line.hasPrefix("…") {
        isOpen = true
      } else if isOpen {
        guard let index = printed.firstIndex(where: { matches(line, $0) }) else {
          return "expected '\(line)', found it nowhere in the rest:\n\(text(printed))"
        }
        printed = printed[(index + 1)...]
        isOpen = false
      } else {
        while let next = printed.first, isProgress(next), !matches(line, next) {
          printed.removeFirst()
        }
        guard let next = printed.popFirst() else { return "expected '\(line)', found no more" }
        guard matches(line, next) else { return "expected '\(line)', found '\(next)'" }
      }
    }
    return isOpen || printed.allSatisfy(isProgress)
      ? nil : "expected no more, found:\n\(text(printed))"
  }

  /// Whether a line tells how far a stage is.
  private static func isProgress(_ line: String) -> Bool {
    line.contains(
      /^(read|sample|distil|choose|finetune|train|evaluate|measure|export|write|verify) {2,}/)
  }

  private static func text(_ lines: ArraySlice<String>) -> String {
    lines.joined(separator: "\n")
  }

  /// Whether a printed line is as the shown one says.
  static func matches(_ shown: String, _ printed: String) -> Bool {
    let found = Line(printed)
    guard let mark = shown.range(of: "…") else {
      let wanted = Line(shown)
      return wanted.text == found.text && agree(wanted.numbers, found.numbers[...])
    }
    let (start, end) = (Line(shown[..<mark.lowerBound]), Line(shown[mark.upperBound...]))
    return found.text.count >= start.text.count + end.text.count
      && found.text.hasPrefix(start.text) && found.text.hasSuffix(end.text)
      && found.numbers.count >= start.numbers.count + end.numbers.count
      && agree(start.numbers, found.numbers.prefix(start.numbers.count))
      && agree(end.numbers, found.numbers.suffix(end.numbers.count))
  }

  private static func agree(_ wanted: [Number], _ found: ArraySlice<Number>) -> Bool {
    wanted.count == found.count && zip(wanted, found).allSatisfy { $0.agrees(with: $1) }
  }

  /// A number with a point.
  private struct Number {
    let value: Double
    let places: Int

    init?(_ text: Substring) {
      guard let value = Double(text.filter { $0 != "," }) else { return nil }
      self.value = value
      places = text.split(separator: ".").last?.count ?? 0
    }

    func agrees(with other: Number) -> Bool {
      var unit = 1.0
      for _ in 0..<places { unit /= 10 }
      let most = max(abs(value), abs(other.value))
      return places == other.places && abs(value - other.value) <= max(0.05 * most, 2 * unit)
    }
  }

  /// A line with what varies taken out.
  private struct Line {
    let text: String
    let numbers: [Number]

    init(_ line: some StringProtocol) {
      var text = String(line)
      text.replace(/\d[\d,.]* tokens\/s/, with: "RATE")
      text.replace(/\d+ h \d+ min|\d+ min \d+ s|\d+(\.\d+)? s\b/, with: "TIME")
      text.replace(/memory(\s+about)?\s+\d[\d.]* [kMG]?B/, with: "MEMORY")
      var numbers: [Number] = []
      text.replace(/\d[\d,]*\.\d+/) { match in
        numbers += [Number(match.output)].compactMap(\.self)
        return "#"
      }
      // Columns are as wide as what varies.
      text.replace(#/ +/#, with: " ")
      text.replace(#/ $/#, with: "")
      self.text = text
      self.numbers = numbers
    }
  }
}
