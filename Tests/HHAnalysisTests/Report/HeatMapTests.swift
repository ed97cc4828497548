// Heat maps and their tables.

import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("HeatMap")
struct HeatMapTests {
  @Test("a cell for each number, the larger the darker, with its number in words")
  func cells() throws {
    let map = HeatMap(
      title: "KL", rowName: "layer", columnName: "head", rows: ["0", "3"], columns: ["0", "1"],
      values: [[0.5, 0.25], [0, nil]])
    let picture = try #require(map.picture)
    let svg = try MarkupTree.reading(picture.svg.source)
    let cells = svg.all("rect")
    #expect(
      cells.map { $0.children.first?.text } == [
        "layer 0, head 0: 0.5000", "layer 0, head 1: 0.2500", "layer 3, head 0: 0.0000",
      ])
    #expect(cells.map { $0.attributes["fill-opacity"] } == ["1", "0.53", "0.06"])
    #expect(svg.children[1].text.contains("the largest number is 0.5000 at layer 0, head 0."))
    #expect(
      try MarkupTree.reading(picture.table.markup.source).rows == [
        ["layer", "head 0", "head 1"], ["0", "0.5000", "0.2500"], ["3", "0.0000", ""],
      ])
  }

  @Test("numbers that are none leave a place, and none at all no picture")
  func numbers() throws {
    func map(_ values: [[Double?]]) -> HeatMap {
      HeatMap(
        title: "KL", rowName: "layer", columnName: "head", rows: ["0"],
        columns: values[0].indices.map { "\($0)" }, values: values)
    }
    #expect(map([[.nan, nil]]).picture == nil)
    let picture = try #require(map([[.nan, 1, .infinity]]).picture)
    let cells = try MarkupTree.reading(picture.svg.source).all("rect")
    #expect(cells.map { $0.attributes["fill-opacity"] } == ["0", "1", "0"])
    // All zeros are no reason to divide by zero.
    let zeros = try #require(map([[0, 0]]).picture)
    #expect(try MarkupTree.reading(zeros.svg.source).all("rect").count == 2)
  }

  @Test("more heads than a picture can hold are none")
  func many() {
    let heads = [Double](repeating: 1, count: 20_001)
    #expect(divergenceMap("KL", [(0, heads)]) == nil)
    #expect(divergenceMap("KL", [(0, [])]) == nil)
  }
}
