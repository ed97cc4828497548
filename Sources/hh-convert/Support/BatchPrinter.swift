// Showing a batch while it runs, and its end.

import HHCompute
import HHFormat
import HHPipeline

/// Prints a line for each model as it ends, on a terminal a live line with what runs, and the table.
final class BatchPrinter {
  private let manner: EventPrinter.Manner
  private let total: Int
  private var endedCount = 0
  private var hasLiveLine = false

  init(_ manner: EventPrinter.Manner, total: Int) {
    self.manner = manner
    self.total = total
  }

  /// Shows what became of a model.
  func show(_ result: BatchResult) {
    if case .open = result.state { return }
    endedCount += 1
    clear()
    switch manner {
    case .json: Terminal.show(JSONValue.object(result.json).line + "\n")
    case .quiet: if case .failed = result.state { Terminal.writeError(inline(result.line) + "\n") }
    case .live, .plain: Terminal.writeError(inline(result.line) + "\n")
    }
  }

  /// Shows what runs, given with the latest event of each.
  func tick(_ running: [(unit: BatchUnit, event: String)]) {
    guard manner == .live else { return }
    let parts = running.map { "\(lastComponent(of: $0.unit.model))\(Self.progress($0.event))" }
    let text = "\(endedCount) of \(total)  " + parts.joined(separator: "  ")
    Terminal.showLiveLine(text)
    hasLiveLine = true
  }

  /// Prints the table or the sums; a batch that is not done throws.
  func finish(_ report: BatchReport, signal: Int32) throws {
    clear()
    switch manner {
    case .json: Terminal.show(JSONValue.object(report.json).line + "\n")
    case .quiet: break
    case .live, .plain: Terminal.show(report.table + "\n")
    }
    let (total, failed) = (report.results.count, report.count("failed"))
    if signal != 0 {
      throw ReportedFailure(
        message: "interrupted by signal \(signal):"
          + " \(report.count("done") + report.count("skipped")) of \(total) models are converted",
        status: Interrupts.status(of: signal))
    }
    if failed > 0 {
      throw ReportedFailure(
        message: "\(failed) of \(total) models failed",
        status: report.mayTryAgain ? .tryAgain : .verificationFailed)
    }
  }

  private func clear() {
    if hasLiveLine { Terminal.clearLiveLine() }
    hasLiveLine = false
  }

  /// How far a conversion is, from its latest event.
  private static func progress(_ event: String) -> String {
    let values: JSONValue
    do {
      values = try JSONValue(parsing: Array(event.utf8))
    } catch {
      return ""
    }
    guard let index = values["layer"]?.integer, let total = values["layers"]?.integer else {
      return values["event"]?.string.map { " \($0)" } ?? ""
    }
    return " \(Format.layer(index, of: total))"
  }
}
