// What the end of a batch says of its failures.

import HHPipeline
import Testing

@testable import hh_convert

@Suite("BatchReport")
struct BatchReportTests {
  private func report(_ statuses: Int32?...) -> BatchReport {
    BatchReport(
      results: statuses.map { status in
        BatchResult(
          unit: BatchUnit(model: "m", output: "o"),
          state: status.map { .failed("no memory", status: $0) } ?? .skipped)
      })
  }

  @Test("a batch may be tried again where every failure may")
  func tryAgain() {
    #expect(report(75, nil, 75).mayTryAgain)
    #expect(!report(75, 65).mayTryAgain && !report(137).mayTryAgain)
  }

  @Test("columns begin at the same places, and no line ends in blanks")
  func columns() {
    #expect(
      alignedColumns([["a", "b", "c"], ["long", "", ""], ["é", "wide", "z"]])
        == ["a     b     c", "long", "é     wide  z"])
  }
}
