// How far a batch is, judged by its artifacts.

import HHFormat
import HHPipeline

/// What stands where the artifacts of a batch go.
struct BatchStatus {
  let units: [BatchUnit]
  let states: [Completion]

  /// The state in one word.
  private static func word(_ state: Completion) -> String {
    switch state {
    case .done: "done"
    case .absent: "missing"
    case .other: "other"
    }
  }

  private func count(_ word: String) -> Int { states.count { Self.word($0) == word } }

  /// A row for each model, and the sums.
  var table: String {
    let rows = zip(units, states).map { unit, state in
      var found = ""
      if case .other(let text) = state { found = text }
      return [unit.model, Self.word(state), found]
    }
    let sums = ["done", "missing", "other"].filter { count($0) > 0 }.map { "\(count($0)) \($0)" }
    return
      (alignedColumns([["model", "state", "found"]] + rows)
      + ["\(units.count) models: \(sums.joined(separator: ", "))"]).joined(separator: "\n")
  }

  /// A line for each model, and one with the sums.
  var json: [JSONObject] {
    zip(units, states).map { unit, state in
      var event: JSONObject = [
        "event": .string("unit"), "model": .string(unit.model), "output": .string(unit.output),
        "state": .string(Self.word(state)),
      ]
      if case .other(let found) = state { event["found"] = .string(found) }
      return event
    } + [
      [
        "event": .string("status"), "models": .integer(units.count),
        "done": .integer(count("done")), "missing": .integer(count("missing")),
        "other": .integer(count("other")),
      ]
    ]
  }

  /// Prints the status.
  ///
  /// - Throws: `ReportedFailure` where not every model is converted.
  func show(json isJSON: Bool) throws {
    try Terminal.print(
      isJSON ? json.map { JSONValue.object($0).line + "\n" }.joined() : table + "\n")
    let left = units.count - count("done")
    guard left > 0 else { return }
    throw ReportedFailure(
      message: "\(left) of \(units.count) models are not converted", status: .verificationFailed)
  }
}
