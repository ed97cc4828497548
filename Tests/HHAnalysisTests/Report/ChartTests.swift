// Charts and their tables.

import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Chart")
struct ChartTests {
  private func chart(_ points: [(Double, Double)], isDots: Bool = false) -> Chart {
    Chart(
      title: "Loss", xName: "step", yName: "nats",
      series: [
        Chart.Series(name: "a <b>", ink: .model, points: points, isDots: isDots),
        Chart.Series(name: "empty", ink: .softmax, points: []),
      ])
  }

  @Test("a line has a title, a description in words and its numbers")
  func line() throws {
    let picture = try #require(chart([(1, 3), (10, 2.5), (20, 0.25)]).picture)
    let svg = try MarkupTree.reading(picture.svg.source)
    #expect(svg.children.prefix(2).map(\.name) == ["title", "desc"])
    #expect(svg.children[1].text == "nats by step. a <b>: from 3.0000 to 0.2500.")
    #expect(svg.all("polyline").count == 1 && svg.attributes["role"] == "img")
    let table = try MarkupTree.reading(picture.table.markup.source)
    #expect(
      table.rows == [
        ["series", "step", "nats"], ["a <b>", "1", "3.0000"], ["a <b>", "10", "2.5000"],
        ["a <b>", "20", "0.2500"],
      ])
  }

  @Test("larger numbers lie higher, later ones further to the right, and all inside")
  func places() throws {
    let picture = try #require(chart([(0, 1), (1, 3), (2, 2)], isDots: true).picture)
    let dots = try MarkupTree.reading(picture.svg.source).all("circle")
    let x = dots.compactMap { $0.attributes["cx"].flatMap { Double($0) } }
    let y = dots.compactMap { $0.attributes["cy"].flatMap { Double($0) } }
    #expect(x == x.sorted() && Set(x).count == 3)
    #expect(y[1] < y[2] && y[2] < y[0])
    #expect(x.allSatisfy { $0 >= 0 && $0 <= picture.width })
    #expect(y.allSatisfy { $0 >= 0 && $0 <= picture.height })
  }

  @Test("what is no number is left out, and nothing is no picture")
  func numbers() throws {
    #expect(chart([]).picture == nil)
    #expect(chart([(1, .nan), (2, .infinity)]).picture == nil)
    let picture = try #require(chart([(1, .nan), (2, 5)]).picture)
    #expect(try MarkupTree.reading(picture.svg.source).all("circle").count == 1)
  }

  @Test("a long line keeps its ends and no more points than are seen")
  func long() throws {
    let picture = try #require(chart((0..<10_000).map { (Double($0), 1 / Double($0 + 1)) }).picture)
    let rows = try MarkupTree.reading(picture.table.markup.source).rows.dropFirst()
    #expect(rows.count <= Chart.maximumPoints + 2)
    #expect(rows.first?[1] == "0" && rows.last?[1] == "9,999")
  }
}
