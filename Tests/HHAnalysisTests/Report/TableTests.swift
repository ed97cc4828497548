// Tables that scroll by themselves and can be read aloud.

import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Table")
struct TableTests {
  @Test("headings are headings, numbers stand right, and the table can be reached by keyboard")
  func markup() throws {
    let table = Table(
      name: "Losses", columns: ["stage", "loss", ""],
      rows: [[.text("distil"), .number("0.5"), .bar(2)], [.code("<x>"), .number(""), .bar(0.25)]])
    let tree = try MarkupTree.reading(table.markup.source)
    #expect(tree.attributes["tabindex"] == "0" && tree.attributes["aria-label"] == "Losses")
    #expect(tree.all("th").map { $0.attributes["scope"] } == ["col", "col", "col", "row", "row"])
    #expect(tree.all.count { $0.attributes["class"] == "number" } == 3)
    #expect(tree.all("div").compactMap { $0.attributes["style"] } == ["width:100%", "width:25%"])
    #expect(tree.rows[2][0] == "<x>")
  }
}
