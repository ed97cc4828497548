// Names from files inside messages: quoted, harmless to a terminal, not endless.

/// `text` in single quotes for a message. Control characters, which could move a terminal's cursor
/// or forge a line, are shown as escapes, and a long text is cut in its middle.
package func quoted(_ text: String) -> String { "'\(excerpt(text))'" }

/// `text` as `quoted` shows it, without the quotes.
func excerpt(_ text: String) -> String {
  let limit = 200
  let scalars = text.unicodeScalars
  // A prefix is enough to tell that a text is long: it may be a whole corrupt header.
  guard scalars.prefix(limit + 1).count > limit else { return harmless(scalars) }
  let half = limit / 2
  return "\(harmless(scalars.prefix(half)))…\(harmless(scalars.suffix(half)))"
}

private func harmless(_ scalars: some Sequence<Unicode.Scalar>) -> String {
  scalars.map { scalar in
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    default: String(scalar)
    }
  }.joined()
}
