// A drawing alone.

import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Picture")
struct PictureTests {
  private func picture(_ title: String, _ width: Double) -> Picture {
    Picture(
      title: title, summary: "S", width: width, height: 50.5,
      content: [.label("a", x: 1, y: 2.345)], table: Table(name: "T", columns: [], rows: []))
  }

  @Test("drawings that are a file have their size, their colours and need nothing else")
  func file() throws {
    let text = Picture.file([picture("<T>", 100), picture("U", 80)], title: "Both")
    let svg = try MarkupTree.reading(text)
    #expect(svg.name == "svg" && svg.attributes["viewBox"] == "0 0 100 189")
    #expect(svg.attributes["width"] == "200" && svg.attributes["height"] == "378")
    #expect(svg.all("style").count == 1 && !text.contains("url("))
    #expect(text.contains("prefers-color-scheme:dark"))
    let parts = svg.children.filter { $0.name == "svg" }
    #expect(parts.map { $0.attributes["y"] } == ["28", "122.50"])
    #expect(parts.map { $0.children.first?.text } == ["<T>", "U"])
    #expect(svg.all("title").first?.text == "Both")
  }

  @Test("in a page a drawing has the page's colours")
  func page() throws {
    let svg = try MarkupTree.reading(picture("T", 100).svg.source)
    #expect(svg.all("style").isEmpty && svg.all("text").first?.attributes["y"] == "2.35")
    #expect(svg.attributes["style"] == "max-width:135px")
  }
}
