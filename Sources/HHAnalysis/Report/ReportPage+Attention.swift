// The part of a report that shows attention itself, and what a model makes of long texts.

internal import HHFormat

extension ReportPage {
  /// Heads, entropy, monotonicity, and figures by position.
  func examination(_ model: ModelReport) -> [Markup] {
    shown(model.examination) { found in
      [Markup("p", ["class": "quiet"], capital(found.data) + ".")]
        + pictures(found.layers.pictures)
        + found.samples.flatMap(sample)
        + [Markup("h4", "Perplexity by position")]
        + shown(found.perplexity) { result in
          // Those by position are the picture's.
          pictures([positions(result)])
            + measured(result.figures.filter { $0.positions == nil }, of: result)
        }
        + [Markup("h4", "Recall")] + shown(found.recall) { measured($0.figures, of: $0) }
    }
  }

  private func sample(_ sample: AttentionSample) -> [Markup] {
    let name = "layer \(sample.layer), head \(sample.head)"
    let top = (sample.softmax + sample.model).joined().max() ?? 1
    func map(_ title: String, _ weights: [[Double]]) -> Picture? {
      HeatMap(
        title: "\(title), \(name)", rowName: "query", columnName: "key", rows: sample.tokens,
        columns: sample.tokens,
        values: weights.map { row in
          sample.tokens.indices.map { row.indices.contains($0) ? row[$0] : nil }
        }, maximum: top, digits: 3, slantsColumns: true
      ).picture
    }
    func dots(_ weight: (AttentionSample.Point) -> Double, _ name: String, _ ink: Chart.Series.Ink)
      -> Chart.Series
    {
      Chart.Series(
        name: name, ink: ink, points: sample.points.map { ($0.product, weight($0)) }, isDots: true)
    }
    let statistics = sample.statistics
    return [
      Markup("h4", capital(name)),
      Markup(
        "p", ["class": "quiet"],
        "KL \(Format.fixed(statistics.divergence, 4)), entropy"
          + " \(Format.fixed(statistics.teacherEntropy, 3)) with softmax and"
          + " \(Format.fixed(statistics.entropy, 3)) with the model, monotonicity"
          + " \(Format.fixed(statistics.monotonicity, 3))."),
    ]
      + pictures([
        map("Softmax", sample.softmax), map("Model", sample.model),
        Chart(
          title: "Weight against dot product, \(name)", xName: "dot product", yName: "weight",
          series: [dots(\.softmax, "softmax", .softmax), dots(\.model, "model", .model)],
          xScale: .linear, yScale: .logarithmic(base: 10)
        ).picture,
      ])
  }

  private func positions(_ result: Measured) -> Picture? {
    let figures = result.figures.filter { $0.positions != nil }
    func series(_ name: String, _ ink: Chart.Series.Ink, _ value: (EvaluationFigure) -> Double?)
      -> Chart.Series
    {
      Chart.Series(
        name: name, ink: ink,
        points: figures.compactMap { figure in
          guard let first = figure.positions?.lowerBound, let value = value(figure) else {
            return nil
          }
          return (Double(first), value)
        })
    }
    return Chart(
      title: "Perplexity by the number of tokens before", xName: "tokens before, at least",
      yName: "perplexity",
      series: [
        series("softmax", .softmax) { $0.teacher }, series("model", .model) { $0.value },
      ], xScale: .logarithmic(base: 2)
    ).picture
  }
}

extension [LayerDiagnosis] {
  /// Drawings of a diagnosis: KL by layer and head, entropy and monotonicity by layer.
  package var pictures: [Picture] {
    func series(
      _ name: String, _ ink: Chart.Series.Ink, _ value: (HeadStatistics) -> Double
    ) -> Chart.Series {
      Chart.Series(name: name, ink: ink, points: map { (Double($0.layer), value($0.mean)) })
    }
    return [
      divergenceMap(
        "KL by layer and head on these rows", map { ($0.layer, $0.heads.map(\.divergence)) }),
      Chart(
        title: "Entropy of the weights by layer", xName: "layer", yName: "nats",
        series: [
          series("softmax", .softmax, \.teacherEntropy), series("model", .model, \.entropy),
        ]
      ).picture,
      Chart(
        title: "Monotonicity in the dot products by layer", xName: "layer",
        yName: "Spearman's correlation", series: [series("model", .model, \.monotonicity)]
      ).picture,
    ].compactMap(\.self)
  }
}
