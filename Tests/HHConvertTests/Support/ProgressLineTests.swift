// The words of a line about work that goes on.

import Testing

@testable import hh_convert

@Suite("ProgressLine")
struct ProgressLineTests {
  @Test(
    "a share has a bar, a percentage and the time that is left",
    arguments: [
      (0, 5, "eval  [....................]  0 %"),
      (0.25, 5, "eval  [#####...............]  25 %  15 s left"),
      (1, 5, "eval  [####################]  100 %  0.0 s left"),
      (1.5, 5, "eval  [####################]  100 %  0.0 s left"),
      (-1, 5, "eval  [....................]  0 %"),
    ])
  func share(_ share: Double, _ seconds: Double, _ text: String) {
    #expect(ProgressLine.text("eval", share: share, seconds: seconds) == text)
  }
}
