// One drawing as SVG, and the numbers behind it.

internal import HHFormat

/// A drawing with what it shows in words and in numbers.
package struct Picture: Sendable, Equatable {
  /// What it is, in a few words.
  package let title: String
  /// What it shows, for those who do not see it.
  package let summary: String
  let width: Double
  let height: Double
  let content: [Markup]
  /// The numbers that are drawn.
  let table: Table

  /// The drawing in a page whose style sheet has its colours.
  var svg: Markup { svg([("style", "max-width:\(coordinate(1.35 * width))px")], []) }

  /// The drawing as a file of its own.
  package var file: String {
    svg(
      [
        ("xmlns", "http://www.w3.org/2000/svg"), ("width", coordinate(2 * width)),
        ("height", coordinate(2 * height)),
      ], [.style(Stylesheet.colours, Stylesheet.drawing)]
    ).source + "\n"
  }

  private func svg(_ attributes: [(StaticString, String)], _ style: [Markup]) -> Markup {
    Markup(
      "svg",
      with: attributes + [
        ("viewBox", "0 0 \(coordinate(width)) \(coordinate(height))"), ("role", "img"),
      ], [Markup("title", title), Markup("desc", summary)] + style + content)
  }
}

extension Markup {
  /// Words in a drawing, at the foot of their line.
  static func label(
    _ text: String, x: Double, y: Double, anchor: String = "middle", `class`: String = "label"
  ) -> Markup {
    Markup(
      "text",
      ["class": `class`, "x": coordinate(x), "y": coordinate(y), "text-anchor": anchor], text)
  }
}

/// A length or place in a drawing, to a hundredth.
func coordinate(_ value: Double) -> String {
  let text = Format.fixed(value, 2)
  return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
}
