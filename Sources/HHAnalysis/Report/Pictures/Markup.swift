// HTML and SVG as values: what comes from files goes in as text and cannot become markup.

internal import HHFormat

/// A piece of a page, well-formed as HTML and as XML.
package struct Markup: Sendable, Equatable {
  /// The piece as it is written.
  package let source: String

  private init(source: String) { self.source = source }

  /// An element. Its name and those of its attributes are the program's own words.
  init(_ name: StaticString, with attributes: [(StaticString, String)], _ content: [Markup]) {
    let start = Self.start(of: name, attributes)
    self.init(source: "<\(start)>" + content.map(\.source).joined() + "</\(name)>")
  }

  /// An element with attributes.
  init(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ content: [Markup]
  ) {
    self.init(name, with: attributes.map { ($0.key, $0.value) }, content)
  }

  /// An element with attributes and a text in it.
  init(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ text: String) {
    self.init(name, attributes, [.text(text)])
  }

  /// An element without attributes.
  init(_ name: StaticString, _ content: [Markup]) { self.init(name, with: [], content) }

  /// An element without attributes, with a text in it.
  init(_ name: StaticString, _ text: String) { self.init(name, with: [], [.text(text)]) }

  /// An element that never has content, such as `rect` and `meta`.
  init(empty name: StaticString, _ attributes: KeyValuePairs<StaticString, String>) {
    self.init(source: "<\(Self.start(of: name, attributes.map { ($0.key, $0.value) }))/>")
  }

  /// A text as the characters that it has.
  static func text(_ text: String) -> Markup { Markup(source: escaped(text)) }

  /// Several pieces as one.
  static func all(_ parts: [Markup]) -> Markup { Markup(source: parts.map(\.source).joined()) }

  /// Style sheets of the program's own.
  static func style(_ sheets: StaticString...) -> Markup {
    Markup(source: "<style>" + sheets.map { "\($0)" }.joined() + "</style>")
  }

  private static func start(
    of name: StaticString, _ attributes: [(StaticString, String)]
  ) -> String {
    "\(name)" + attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
  }

  /// A text on one line without anything that HTML or XML would read as more than a character.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in inline(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      // XML has no such characters.
      case "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
