// The parts of a report that tell of a conversion: quality, layers, losses and what it took.

internal import HHFormat

extension ReportPage {
  /// The verdict, what the model is, and every measurement.
  func quality(_ model: ModelReport) -> [Markup] {
    shown(model.verdict) { verdict in
      [
        Markup("p", ["class": "verdict \(verdict.grade)"], [Markup("span", capital(verdict.text))]),
        Markup(
          "p", [.text("On \(verdict.data): \(verdict.reason).")]),
      ]
        + (verdict.advice.isEmpty
          ? []
          : [
            Markup(
              "p", ["class": "quiet"],
              prose("To make it better: \(verdict.advice.joined(separator: ", or ")).")
            )
          ])
    }
      + shown(model.evaluations) { $0.flatMap(measured) }
      + (model.facts.isEmpty
        ? []
        : [
          Markup("h4", "The model"),
          Table(
            name: "The model", columns: [],
            rows: model.facts.map { [.text($0.name), .text($0.value)] }
          ).markup,
        ])
  }

  /// A measurement under its name.
  private func measured(_ result: Measured) -> [Markup] {
    let name = result.task + (result.after.isEmpty ? "" : " after \(result.after)")
    return [Markup("h4", capital(name))] + measured(result.figures, of: result)
  }

  /// Figures of a measurement as a table.
  func measured(_ figures: [EvaluationFigure], of result: Measured) -> [Markup] {
    let hasTeacher = figures.contains { $0.teacher != nil }
    return [
      Markup("p", ["class": "quiet"], capital(result.data) + "."),
      Table(
        name: result.task,
        columns: ["figure", "model"] + (hasTeacher ? ["softmax", "kept"] : []),
        rows: figures.map { figure in
          [.text(figure.name), .number(Format.fixed(figure.value, 4))]
            + (hasTeacher
              ? [
                .number(figure.teacher.map { Format.fixed($0, 4) } ?? ""),
                .number(figure.recovered.map { "\(Format.fixed(100 * $0, 1)) %" } ?? ""),
              ] : [])
        }
      ).markup,
    ]
  }

  /// KL of every layer and head.
  func divergences(_ model: ModelReport) -> [Markup] {
    shown(model.divergences) { layers in
      let hasBefore = layers.contains { $0.before != nil }
      let table = Table(
        name: "KL by layer",
        columns: ["layer"] + (hasBefore ? ["after the rewrite"] : []) + ["after training", ""],
        rows: layers.map { layer in
          [.number("\(layer.layer)")]
            + (hasBefore ? [.number(layer.before.map { Format.fixed($0, 4) } ?? "")] : [])
            + [
              .number(Format.fixed(layer.after, 4)),
              .bar(layer.after / max(layers.map(\.after).filter(\.isFinite).max() ?? 1, 1e-12)),
            ]
        })
      return pictures([heatMap(layers)]) + [Markup("h4", "By layer"), table.markup]
    }
  }

  private func heatMap(_ layers: [LayerDivergence]) -> Picture? {
    divergenceMap(
      "KL by layer and head after training", layers.map { ($0.layer, $0.heads) })
  }

  /// Losses before and after each stage, and how they fell.
  func training(_ model: ModelReport) -> [Markup] {
    shown(model.stages) { stages in
      let hasSoftmax = stages.contains { $0.softmax != nil }
      return [
        Table(
          name: "Losses by stage",
          columns: ["stage", "loss", "before", "after"] + (hasSoftmax ? ["softmax"] : []),
          rows: stages.map { stage in
            [
              .text(stage.name), .text(stage.loss), .number(Format.fixed(stage.before, 4)),
              .number(Format.fixed(stage.after, 4)),
            ] + (hasSoftmax ? [.number(stage.softmax.map { Format.fixed($0, 4) } ?? "")] : [])
          }
        ).markup
      ]
    }
      + shown(model.curves) { curves in
        [Markup("h4", "By step")] + pictures(lossCharts(curves).map(\.picture))
      }
  }

  /// A chart for each stage; held-out rows of layers have one of their own, in other units.
  private func lossCharts(_ curves: [LossCurve]) -> [Chart] {
    var stages: [String] = []
    for curve in curves where !stages.contains(curve.stage) { stages.append(curve.stage) }
    return stages.flatMap { stage in
      let own = curves.filter { $0.stage == stage }
      let (layers, whole) = (own.filter { $0.layer != nil }, own.filter { $0.layer == nil })
      let training = layers.filter { !$0.isHeldOut }
      let heldOut = layers.filter(\.isHeldOut)
      return [
        Chart(
          title: "\(capital(stage)): loss of training rows", xName: "step",
          yName: "cross-entropy, nats", series: shaded(training)),
        Chart(
          title: "\(capital(stage)): KL of held-out rows", xName: "step", yName: "nats",
          series: shaded(heldOut)),
        Chart(
          title: "\(capital(stage)): loss", xName: "step", yName: "loss",
          series: whole.map { curve in
            Chart.Series(
              name: curve.isHeldOut ? "held-out rows" : "training rows",
              ink: curve.isHeldOut ? .model : .shade(0), points: curve.points)
          }),
      ]
    }
  }

  private func shaded(_ curves: [LossCurve]) -> [Chart.Series] {
    curves.enumerated().map { index, curve in
      Chart.Series(
        name: "layer \(curve.layer ?? 0)",
        ink: curves.count == 1 ? .model : .shade(Double(index) / Double(curves.count - 1)),
        points: curve.points)
    }
  }

  /// Time and memory by stage.
  func costs(_ model: ModelReport) -> [Markup] {
    shown(model.costs) { costs in
      let total = costs.reduce(0) { $0 + $1.seconds }
      return [
        Table(
          name: "Time and memory", columns: ["stage", "time", "share", "", "memory"],
          rows: costs.map { cost in
            [
              .text(cost.name), .number(Format.duration(cost.seconds)),
              .number("\(Format.fixed(100 * cost.seconds / max(total, 1e-9), 1)) %"),
              .bar(cost.seconds / max(total, 1e-9)), .number(Format.bytes(cost.memory)),
            ]
          } + [
            [
              .text("all"), .number(Format.duration(total)), .text(""), .text(""),
              .number(Format.bytes(costs.map(\.memory).max() ?? 0)),
            ]
          ]
        ).markup
      ]
    }
  }
}

extension LossCurve {
  fileprivate var points: [(x: Double, y: Double)] {
    zip(steps, losses).map { (Double($0), $1) }
  }
}

/// A map of the KL of heads, each layer with its number; nil where no head is known.
func divergenceMap(_ title: String, _ layers: [(layer: Int, heads: [Double])]) -> Picture? {
  let count = layers.map(\.heads.count).max() ?? 0
  // More would be no picture but a burden.
  guard count > 0, layers.count * count <= 20_000 else { return nil }
  return HeatMap(
    title: title, rowName: "layer", columnName: "head", rows: layers.map { "\($0.layer)" },
    columns: (0..<count).map { "\($0)" },
    values: layers.map { layer in
      (0..<count).map { layer.heads.indices.contains($0) ? layer.heads[$0] : nil }
    }
  ).picture
}

/// A text with its first letter as a sentence has it.
func capital(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
