// What `diagnose` prints: layers of a model, or feature maps beside each other.

import HHAnalysis
import HHCompute
import HHFormat

/// The layers of one model.
struct LayerTable {
  let layers: [LayerDiagnosis]
  /// What was looked at, in words.
  let data: String

  /// Lines for people; with `heads` every head as well.
  func text(heads: Bool) -> String {
    var lines = [data, "layer     entropy  of softmax  monotonicity  KL       output error"]
    func row(_ name: String, _ statistics: HeadStatistics, _ error: Double?) -> String {
      let cells = [
        (name, 10), (Format.fixed(statistics.entropy, 3), 9),
        (Format.fixed(statistics.teacherEntropy, 3), 12),
        (Format.fixed(statistics.monotonicity, 3), 14),
      ]
      return cells.map { $0.0.padding(to: $0.1) }.joined() + Format.fixed(statistics.divergence, 4)
        + (error.map { "   " + Format.fixed($0, 4) } ?? "")
    }
    for layer in layers {
      lines.append(row("\(layer.layer)", layer.mean, layer.outputError))
      guard heads else { continue }
      for (head, statistics) in layer.heads.enumerated() {
        lines.append(row("  head \(head)", statistics, nil))
      }
    }
    let order = hardestFirst.map { "\($0.layer)" }.joined(separator: ", ")
    return joined(lines: lines + ["hardest first: \(order)"])
  }

  /// One object for programs.
  func json(model: String) -> JSONObject {
    [
      "model": .string(model), "data": .string(data),
      "layers": .array(layers.map { .object($0.json) }),
      "hardest_first": .array(hardestFirst.map { .integer($0.layer) }),
    ]
  }

  /// The layers whose weights are farthest from softmax's first.
  private var hardestFirst: [LayerDiagnosis] {
    layers.sorted { $0.mean.divergence > $1.mean.divergence }
  }
}

/// Feature maps beside softmax, row by row.
enum MapTable {
  /// The columns of a map on a softmax model's queries and keys.
  private static let columns = "entropy  monotonicity  KL        output error"

  /// The heading of maps alone, and of maps that learnt associative recall too.
  static let heading = "map".padding(to: 30) + columns
  static let recallHeading =
    "map".padding(to: 30) + "recall   steps   rate     " + columns

  /// A line of maps alone.
  static func line(_ map: MapDiagnosis) -> String { name(map.kind) + cells(map) }

  /// A line of maps that learnt associative recall.
  static func line(_ row: ExpressivityRow) -> String {
    let recall: [String] =
      row.recall.map {
        [Format.fixed(100 * $0.accuracy, 1), "\($0.steps)", "\($0.rate)"]
      } ?? ["-", "-", "-"]
    return name(row.kind) + zip(recall, [9, 8, 9]).map { $0.padding(to: $1) }.joined()
      + cells(row.attention)
  }

  private static func name(_ kind: FeatureMapKind?) -> String {
    (kind?.rawValue ?? "softmax").padding(to: 30)
  }

  private static func cells(_ map: MapDiagnosis) -> String {
    let mean = map.mean
    return Format.fixed(mean.entropy, 3).padding(to: 9)
      + Format.fixed(mean.monotonicity, 3).padding(to: 14)
      + Format.fixed(mean.divergence, 4).padding(to: 10) + Format.fixed(map.outputError, 4)
  }
}

extension LayerDiagnosis {
  fileprivate var json: JSONObject {
    var members = mean.json
    members["layer"] = .integer(layer)
    members["output_error"] = .number(outputError)
    members["heads"] = .array(heads.map { .object($0.json) })
    return members
  }
}

extension MapDiagnosis {
  /// The map with its means and layers.
  var json: JSONObject {
    var members: JSONObject = ["map": .string(kind?.rawValue ?? "softmax")]
    for (name, value) in mean.json.pairs { members[name] = value }
    members["output_error"] = .number(outputError)
    members["layers"] = .array(layers.map { .object($0.json) })
    return members
  }
}

extension ExpressivityRow {
  /// The map as above, with what a model learnt with it.
  var json: JSONObject {
    var members = attention.json
    members["recall"] =
      recall.map {
        .object([
          "test": .number($0.accuracy), "validation": .number($0.validation),
          "rate": .number($0.rate), "steps": .integer($0.steps),
        ])
      } ?? .null
    return members
  }
}

extension HeadStatistics {
  fileprivate var json: JSONObject {
    [
      "entropy": .number(entropy), "softmax_entropy": .number(teacherEntropy),
      "monotonicity": .number(monotonicity), "kl": .number(divergence),
    ]
  }
}
