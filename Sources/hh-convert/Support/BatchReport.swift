// What a batch prints: a line for each model, a table at the end, or JSON lines.

import HHFormat
import HHPipeline

extension BatchResult {
  /// The state in one word.
  var word: String {
    switch state {
    case .done: "done"
    case .skipped: "skipped"
    case .failed: "failed"
    case .open: "not begun"
    }
  }

  /// The result in one line.
  var line: String {
    switch state {
    case .done(let summary):
      "done     \(unit.model) -> \(unit.output), \(Self.quality(summary)) \(Format.duration(seconds))"
    case .skipped: "skipped  \(unit.model): \(unit.output) is up to date"
    case .failed(let sentence, _): "failed   \(unit.model): \(sentence)"
    case .open: "left     \(unit.model)"
    }
  }

  /// The result as an event.
  var json: JSONObject {
    var event: JSONObject = [
      "event": .string("model"), "model": .string(unit.model), "output": .string(unit.output),
      "state": .string(word),
    ]
    switch state {
    case .done(let summary):
      for key in [
        "kl_before", "kl_after", "verdict", "steps", "artifact_bytes", "raw_bytes", "seconds",
      ] {
        event[key] = summary[key]
      }
    case .failed(let sentence, let status):
      event["error"] = .string(sentence)
      event["status"] = .integer(Int(status))
    case .skipped, .open: break
    }
    return event
  }

  /// The result as the cells of a table's row.
  fileprivate var cells: [String] {
    var cells = [unit.model, word, "", "", ""]
    if case .done(let summary) = state {
      cells[2] = Self.quality(summary)
      cells[3] = summary["artifact_bytes"]?.integer.map { Format.bytes($0) } ?? ""
      cells[4] = Format.duration(seconds)
    }
    return cells
  }

  private static func quality(_ summary: JSONObject) -> String {
    guard let before = summary["kl_before"]?.double, let after = summary["kl_after"]?.double else {
      return ""
    }
    let grade = summary["verdict"]?["grade"]?.string.map { "\($0), " } ?? ""
    return grade + "KL \(Format.fixed(before, 4)) -> \(Format.fixed(after, 4))"
  }
}

/// The results of a batch, once it has ended.
struct BatchReport {
  let results: [BatchResult]

  /// How many models ended in a state.
  func count(_ word: String) -> Int { results.count { $0.word == word } }

  /// Whether every failure is one that may not come again.
  var mayTryAgain: Bool {
    results.allSatisfy { result in
      guard case .failed(_, let status) = result.state else { return true }
      return status == ExitStatus.tryAgain.rawValue
    }
  }

  /// A row for each model, and the sums.
  var table: String {
    let rows =
      [["model", "state", "quality", "size", "time"]]
      + results.map(\.cells)
    return (alignedColumns(rows) + [sums]).joined(separator: "\n")
  }

  /// The sums as an event.
  var json: JSONObject {
    [
      "event": .string("summary"), "models": .integer(results.count),
      "done": .integer(count("done")), "skipped": .integer(count("skipped")),
      "failed": .integer(count("failed")),
      "not_begun": .integer(count("not begun")),
    ]
  }

  private var sums: String {
    let parts = ["done", "skipped", "failed", "not begun"].filter { count($0) > 0 }
      .map { "\(count($0)) \($0)" }
    return "\(results.count) models: " + parts.joined(separator: ", ")
  }
}

/// Rows of a table as lines whose columns begin at the same places.
func alignedColumns(_ rows: [[String]]) -> [String] {
  let rows = rows.map { $0.map { inline($0) } }
  let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
    return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
  }
}
