// A table of text and numbers.

/// Rows of cells under headings; the first cell of a row is its heading.
struct Table: Sendable, Equatable {
  /// A cell.
  enum Cell: Sendable, Equatable {
    case text(String)
    /// A figure, which is set to the right.
    case number(String)
    /// A share of the longest, 0 to 1, as a bar.
    case bar(Double)
    /// A long word that may break anywhere, such as a digest.
    case code(String)
  }

  /// What the table is, for those who do not see where it stands.
  let name: String
  var columns: [String]
  var rows: [[Cell]]

  /// The table, which scrolls by itself where it is too wide.
  var markup: Markup {
    let numeric = columns.indices.map { column in
      rows.contains { row in
        if row.indices.contains(column), case .number = row[column] { true } else { false }
      }
    }
    let head = zip(columns, numeric).map { name, isNumber in
      Markup("th", isNumber ? ["scope": "col", "class": "number"] : ["scope": "col"], name)
    }
    let body = rows.map { row in
      Markup("tr", row.enumerated().map { $0.offset == 0 ? heading($0.element) : cell($0.element) })
    }
    let table = Markup(
      "table",
      (columns.isEmpty ? [] : [Markup("thead", [Markup("tr", head)])]) + [Markup("tbody", body)])
    return Markup(
      "div", ["class": "scroll", "role": "region", "aria-label": name, "tabindex": "0"], [table])
  }

  private func heading(_ cell: Cell) -> Markup {
    switch cell {
    case .number(let text): Markup("th", ["scope": "row", "class": "number"], text)
    case .text(let text), .code(let text): Markup("th", ["scope": "row"], text)
    case .bar: Markup("th", ["scope": "row"], "")
    }
  }

  private func cell(_ cell: Cell) -> Markup {
    switch cell {
    case .text(let text): Markup("td", text)
    case .number(let text): Markup("td", ["class": "number"], text)
    case .code(let text): Markup("td", [Markup("code", text)])
    case .bar(let share):
      Markup(
        "td", ["class": "bar"],
        [Markup("div", ["style": "width:\(coordinate(100 * min(max(share, 0), 1)))%"], "")])
    }
  }
}
