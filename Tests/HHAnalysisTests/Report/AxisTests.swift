// Ticks that people can read.

import Testing

@testable import HHAnalysis

@Suite("Axis")
struct AxisTests {
  private static let cases: [([Double], Axis.Scale, [String])] = [
    ([0.02, 0.4], .linear, ["0.0", "0.1", "0.2", "0.3", "0.4"]),
    ([2.21, 2.85], .linear, ["2.2", "2.4", "2.6", "2.8", "3.0"]),
    ([-1.5, 3], .linear, ["-2", "0", "2", "4"]),
    ([0, 2], .whole, ["0", "1", "2"]), ([0, 11], .whole, ["0", "5", "10"]),
    ([5, 5], .whole, ["5", "6"]),
    ([1, 128], .logarithmic(base: 2), ["1", "2", "4", "8", "16", "32", "64", "128"]),
    ([3e-5, 0.2], .logarithmic(base: 10), ["1e-5", "0.0001", "0.001", "0.01", "0.1", "1"]),
  ]

  @Test("ticks are round numbers that hold all values", arguments: cases)
  func ticks(_ values: [Double], _ scale: Axis.Scale, _ labels: [String]) {
    let axis = Axis(of: values, scale)
    #expect(axis.ticks.map(axis.label) == labels)
    for value in values { #expect((-1e-9...1 + 1e-9).contains(axis.share(value))) }
  }

  @Test("values that are all the same, or as large or small as can be, have an axis")
  func extremes() {
    for values in [[0.0, 0], [1e-30, 1e-30], [1e300, 1e300], [-3, -3], []] {
      let axis = Axis(of: values)
      #expect(axis.range.lowerBound < axis.range.upperBound, "\(values)")
      #expect((1...12).contains(axis.ticks.count), "\(values)")
      for value in values { #expect(axis.share(value).isFinite) }
    }
  }

  @Test("equal factors lie equally far apart")
  func logarithmic() {
    let axis = Axis(of: [1, 16], .logarithmic(base: 2))
    #expect([1, 2, 4, 8, 16].map(axis.share) == [0, 0.25, 0.5, 0.75, 1])
  }
}
