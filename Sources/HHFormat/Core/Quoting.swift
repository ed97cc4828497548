// Text from files inside our own: harmless to a terminal, on one line, not endless.

/// `text` in single quotes for a message. Control characters, which could move a terminal's cursor
/// or forge a line, are shown as escapes, and a long text is cut in its middle.
package func quoted(_ text: String) -> String { "'\(excerpt(text))'" }

/// `text` as `quoted` shows it, without the quotes.
package func excerpt(_ text: String) -> String {
  let limit = 200
  let scalars = text.unicodeScalars
  func harmless(_ part: some Sequence<Unicode.Scalar>) -> String {
    escaped(part) { $0.isDisruptive || $0.properties.generalCategory == .format }
  }
  // A prefix is enough to tell that a text is long: it may be a whole corrupt header.
  guard scalars.prefix(limit + 1).count > limit else { return harmless(scalars) }
  let half = limit / 2
  return "\(harmless(scalars.prefix(half)))…\(harmless(scalars.suffix(half)))"
}

/// `text` on one line: what breaks a line, moves a terminal's cursor or turns text around is shown as
/// an escape. Joiners stay, which names in many scripts have.
package func inline(_ text: String) -> String {
  guard !text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return text }
  return escaped(text.unicodeScalars) { $0.isDisruptive }
}

/// Lines of output, each of which stays one whatever it holds.
package func joined(lines: [String]) -> String {
  lines.map { inline($0) }.joined(separator: "\n")
}

/// A whole text for a terminal: as `inline`, but line breaks and tabs stay.
package func visible(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x09 }
  guard !isPlain else { return text }
  return escaped(text.unicodeScalars) { $0.isDisruptive && $0 != "\n" && $0 != "\t" }
}

extension Unicode.Scalar {
  /// Whether a terminal or an editor does something else than to show the character: the controls of
  /// C0 and C1, the separators of lines and paragraphs, and what sets the direction of text.
  var isDisruptive: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: properties.isBidiControl
    }
  }
}

private func escaped(
  _ scalars: some Sequence<Unicode.Scalar>, where isEscaped: (Unicode.Scalar) -> Bool
) -> String {
  var result = String.UnicodeScalarView()
  for scalar in scalars {
    if isEscaped(scalar) {
      result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars
    } else {
      result.append(scalar)
    }
  }
  return String(result)
}
