// Lines and dots over two axes.

internal import HHFormat

/// A chart of several series.
struct Chart {
  /// Numbers of one kind.
  struct Series {
    /// How a series is told from others.
    enum Ink: Equatable {
      case model, softmax
      /// One of several alike, from 0 for the first to 1 for the last.
      case shade(Double)
    }

    let name: String
    let ink: Ink
    /// Points in the order in which they are joined.
    var points: [(x: Double, y: Double)]
    /// Whether they are dots that nothing joins.
    var isDots = false
  }

  let title: String
  let xName: String
  let yName: String
  var series: [Series]
  /// How numbers lie along the bottom; they are whole unless it is linear.
  var xScale = Axis.Scale.whole
  var yScale = Axis.Scale.linear
  /// Digits behind the point in the table.
  var digits = 4

  /// Most points of a line: more cannot be told apart, and make a file large.
  static let maximumPoints = 240
  private static let size = (width: 400.0, height: 230.0)
  private static let (left, right, top, bottom) = (46.0, 12.0, 26.0, 34.0)

  /// The drawing; nil where there is no number to draw.
  var picture: Picture? {
    let shown = series.map(thinned).filter { !$0.points.isEmpty }
    let points = shown.flatMap(\.points)
    guard !points.isEmpty else { return nil }
    let (x, y) = (Axis(of: points.map(\.x), xScale), Axis(of: points.map(\.y), yScale))
    return Picture(
      title: title, summary: summary(of: shown), width: Self.size.width, height: Self.size.height,
      content: grid(x, y) + shown.flatMap { marks($0, x, y) } + legend(shown),
      table: table(of: shown))
  }

  /// A series without what is no number, and with no more points than are seen.
  private func thinned(_ series: Series) -> Series {
    var series = series
    let points = series.points.filter { xScale.holds($0.x) && yScale.holds($0.y) }
    let step = max(1, (points.count + Self.maximumPoints - 1) / Self.maximumPoints)
    series.points = points.indices
      .filter { ($0 + 1).isMultiple(of: step) || $0 == 0 || $0 == points.count - 1 }
      .map { points[$0] }
    return series
  }

  private func place(_ point: (x: Double, y: Double), _ x: Axis, _ y: Axis) -> (
    x: Double, y: Double
  ) {
    let width = Self.size.width - Self.left - Self.right
    let height = Self.size.height - Self.top - Self.bottom
    return (
      Self.left + width * x.share(point.x), Self.top + height * (1 - y.share(point.y))
    )
  }

  private func grid(_ x: Axis, _ y: Axis) -> [Markup] {
    let floor = Self.size.height - Self.bottom
    let lines = y.ticks.flatMap { tick -> [Markup] in
      let height = place((x.range.lowerBound, tick), x, y).y
      return [
        Markup(
          empty: "line",
          [
            "class": "grid", "x1": coordinate(Self.left), "y1": coordinate(height),
            "x2": coordinate(Self.size.width - Self.right), "y2": coordinate(height),
          ]),
        .label(y.label(tick), x: Self.left - 6, y: height + 3.5, anchor: "end"),
      ]
    }
    let ticks = x.ticks.map { tick in
      Markup.label(x.label(tick), x: place((tick, y.range.lowerBound), x, y).x, y: floor + 14)
    }
    return lines + ticks + [
      .label(
        xName, x: (Self.left + Self.size.width - Self.right) / 2, y: Self.size.height - 4,
        class: "name"),
      .label(yName, x: 2, y: 11, anchor: "start", class: "name"),
    ]
  }

  private func marks(_ series: Series, _ x: Axis, _ y: Axis) -> [Markup] {
    let places = series.points.map { place($0, x, y) }
    let style = series.ink.style
    if !series.isDots, places.count > 1 {
      let path = places.map { "\(coordinate($0.x)),\(coordinate($0.y))" }.joined(separator: " ")
      return [
        Markup(
          "polyline", ["class": "line", "style": "stroke:\(style)", "points": path],
          [Markup("title", series.name)])
      ]
    }
    return places.map { place in
      Markup(
        empty: "circle",
        [
          "class": "dot", "style": "fill:\(style)", "cx": coordinate(place.x),
          "cy": coordinate(place.y), "r": series.isDots ? "2.2" : "3",
        ])
    }
  }

  /// The names of a few series, or the first and the last of many.
  private func legend(_ shown: [Series]) -> [Markup] {
    guard shown.count > 1, let first = shown.first, let last = shown.last else { return [] }
    let named = shown.count <= 4 ? shown : [first, shown[shown.count / 2], last]
    var end = Self.size.width - Self.right
    return named.reversed().flatMap { series -> [Markup] in
      // As wide as most fonts set it.
      let start = end - Double(series.name.count) * 6.4
      defer { end = start - 22 }
      return [
        Markup(
          empty: "line",
          [
            "class": "line", "style": "stroke:\(series.ink.style)",
            "x1": coordinate(start - 16), "x2": coordinate(start - 5), "y1": "7.5", "y2": "7.5",
          ]), .label(series.name, x: start, y: 11, anchor: "start"),
      ]
    }
  }

  private func summary(of shown: [Series]) -> String {
    let parts = shown.prefix(8).compactMap { series -> String? in
      guard let first = series.points.first, let last = series.points.last else { return nil }
      return series.isDots
        ? "\(series.name): \(series.points.count) points"
        : "\(series.name): from \(Format.fixed(first.y, digits)) to \(Format.fixed(last.y, digits))"
    }
    return "\(yName) by \(xName). " + parts.joined(separator: "; ")
      + (shown.count > 8 ? "; and \(shown.count - 8) more" : "") + "."
  }

  private func table(of shown: [Series]) -> Table {
    Table(
      name: title, columns: ["series", xName, yName],
      rows: shown.flatMap { series in
        series.points.map { point in
          [
            .text(series.name),
            .number(
              xScale == .linear ? Format.fixed(point.x, digits) : Format.count(Int(point.x))),
            .number(Format.fixed(point.y, digits)),
          ]
        }
      })
  }
}

extension Axis.Scale {
  /// Whether a number has a place; those below a millionth of one are no more than nothing.
  fileprivate func holds(_ value: Double) -> Bool {
    if case .logarithmic = self { value.isFinite && value >= 1e-6 } else { value.isFinite }
  }
}

extension Chart.Series.Ink {
  /// The colour, of those of the style sheet.
  fileprivate var style: String {
    switch self {
    case .model: "var(--model)"
    case .softmax: "var(--softmax)"
    case .shade(let share):
      "color-mix(in oklab,var(--last) \(coordinate(100 * share))%,var(--first))"
    }
  }
}
