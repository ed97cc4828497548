// Numbers of rows and columns as darker and lighter cells.

internal import HHFormat

/// A map of numbers from 0 up.
struct HeatMap {
  let title: String
  let rowName: String
  let columnName: String
  let rows: [String]
  let columns: [String]
  /// A number for each cell, row by row; nil where there is none.
  let values: [[Double?]]
  /// The number of the darkest colour; nil for the largest.
  var maximum: Double?
  /// Digits behind the point.
  var digits = 4
  /// Whether columns are named aslant, as words need.
  var slantsColumns = false

  private static let width = 400.0

  /// The drawing; nil where there is no number to draw.
  var picture: Picture? {
    let known = values.joined().compactMap { $0 }.filter(\.isFinite)
    guard let largest = known.max() else { return nil }
    let top = maximum ?? largest
    let left = min(96, max(36, 14 + 6.2 * Double(rows.map(\.count).max() ?? 1)))
    let head = slantsColumns ? min(70, 14 + 4.6 * Double(columns.map(\.count).max() ?? 1)) : 30
    let count = Double(max(1, columns.count))
    let cell = (
      width: min(46, (Self.width - left - 4) / count),
      height: slantsColumns ? min(18, (Self.width - left - 4) / count) : rows.count > 16 ? 14 : 20
    )
    func place(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
      (left + Double(column) * cell.width, head + Double(row) * cell.height)
    }
    let cells = values.enumerated().flatMap { row, values in
      values.enumerated().flatMap { column, value -> [Markup] in
        let name = "\(rowName) \(rows[row]), \(columnName) \(columns[column])"
        guard let value else { return [] }
        return self.cell(
          value, name, share: top > 0 && value.isFinite ? min(1, value / top) : 0,
          at: place(row, column), cell)
      }
    }
    let rowLabels = rows.enumerated().map { row, name in
      Markup.label(
        name, x: left - 5, y: place(row, 0).y + cell.height / 2 + 3.5, anchor: "end")
    }
    let columnLabels = columns.enumerated().map { column, name in
      let x = place(0, column).x + cell.width / 2
      return slantsColumns
        ? Markup(
          "text",
          [
            "class": "label",
            "transform": "translate(\(coordinate(x + 3)) \(coordinate(head - 4))) rotate(-90)",
          ], name)
        : .label(name, x: x, y: head - 5)
    }
    let axes =
      slantsColumns
      ? []
      : [
        Markup.label(rowName, x: left - 5, y: head - 5, anchor: "end", class: "name"),
        .label(columnName, x: left, y: 10, anchor: "start", class: "name"),
      ]
    return Picture(
      title: title, summary: summary(largest), width: left + count * cell.width + 4,
      height: head + Double(rows.count) * cell.height + 4,
      content: axes + rowLabels + columnLabels + cells, table: table)
  }

  private func cell(
    _ value: Double, _ name: String, share: Double, at place: (x: Double, y: Double),
    _ size: (width: Double, height: Double)
  ) -> [Markup] {
    let number = Format.fixed(value, digits)
    var parts = [
      Markup(
        "rect",
        [
          "class": "cell", "x": coordinate(place.x), "y": coordinate(place.y),
          "width": coordinate(size.width - 1), "height": coordinate(size.height - 1),
          "fill-opacity": coordinate(value.isFinite ? 0.06 + 0.94 * share : 0),
        ], [Markup("title", "\(name): \(number)")])
    ]
    if size.width >= 36 {
      let (x, y) = (place.x + (size.width - 1) / 2, place.y + size.height / 2 + 3)
      parts.append(.label(number, x: x, y: y, class: share > 0.62 ? "cell dark" : "cell"))
    }
    return parts
  }

  private func summary(_ largest: Double) -> String {
    var place = ""
    for (row, values) in values.enumerated() {
      if let column = values.firstIndex(where: { $0 == largest }) {
        place = " at \(rowName) \(rows[row]), \(columnName) \(columns[column])"
        break
      }
    }
    return
      "\(rows.count) rows by \(rowName), \(columns.count) columns by \(columnName); the largest"
      + " number is \(Format.fixed(largest, digits))\(place)."
  }

  private var table: Table {
    Table(
      name: title, columns: [rowName] + columns.map { "\(columnName) \($0)" },
      rows: zip(rows, values).map { name, values in
        [.text(name)] + values.map { .number($0.map { Format.fixed($0, digits) } ?? "") }
      })
  }
}
