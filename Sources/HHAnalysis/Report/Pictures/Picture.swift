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

  /// The drawing in the place that it has in another.
  private func part(below y: Double) -> Markup {
    svg(
      [
        ("y", coordinate(y)), ("width", coordinate(width)), ("height", coordinate(height)),
      ],
      [])
  }

  private func svg(_ attributes: [(StaticString, String)], _ style: [Markup]) -> Markup {
    Markup(
      "svg",
      with: attributes + [
        ("viewBox", "0 0 \(coordinate(width)) \(coordinate(height))"), ("role", "img"),
      ], [Markup("title", title), Markup("desc", summary)] + style + content)
  }

  /// Drawings below each other under their titles, as a file of its own.
  package static func file(_ pictures: [Picture], title: String) -> String {
    let width = pictures.map(\.width).max() ?? 1
    var height = 0.0
    var content: [Markup] = []
    for picture in pictures {
      content.append(.label(picture.title, x: 4, y: height + 18, anchor: "start", class: "title"))
      content.append(picture.part(below: height + 28))
      height += 28 + picture.height + 16
    }
    let all = Picture(
      title: title, summary: pictures.map { "\($0.title): \($0.summary)" }.joined(separator: " "),
      width: width, height: height, content: content,
      table: Table(name: title, columns: [], rows: []))
    return all.svg(
      [
        ("xmlns", "http://www.w3.org/2000/svg"), ("width", coordinate(2 * width)),
        ("height", coordinate(2 * height)),
      ], [.style(Stylesheet.colours, Stylesheet.drawing)]
    ).source + "\n"
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
