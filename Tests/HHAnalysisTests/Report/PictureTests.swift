// A drawing alone.

import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Picture")
struct PictureTests {
  @Test("a drawing that is a file has its size, its colours and needs nothing else")
  func file() throws {
    let picture = Picture(
      title: "T", summary: "S", width: 100, height: 50.5,
      content: [.label("a", x: 1, y: 2.345)], table: Table(name: "T", columns: [], rows: []))
    let svg = try MarkupTree.reading(picture.file)
    #expect(svg.name == "svg" && svg.attributes["viewBox"] == "0 0 100 50.50")
    #expect(svg.attributes["width"] == "200" && svg.attributes["height"] == "101")
    #expect(svg.all("style").count == 1 && !picture.file.contains("url("))
    #expect(svg.all("text").first?.attributes["y"] == "2.35")
    #expect(picture.file.contains("prefers-color-scheme:dark"))
    #expect(try MarkupTree.reading(picture.svg.source).all("style").isEmpty)
  }
}
