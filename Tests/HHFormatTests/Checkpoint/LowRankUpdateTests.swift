// What a pair of small matrices adds, whole and from any element on.

import Testing

@testable import HHFormat

@Suite("LowRankUpdate")
struct LowRankUpdateTests {
  /// A (2, 3) and B (4, 2).
  private let a: [Float] = [1, 2, 3, 4, 5, 6]
  private let b: [Float] = [1, 0, 0, 1, 1, 1, 2, -1]

  private func added(_ update: LowRankUpdate, _ start: Int, _ count: Int) -> [Float] {
    var values = [Float](repeating: 10, count: count)
    var span = values.mutableSpan
    update.add(from: start, to: &span)
    return values
  }

  @Test("BA, and its transpose where the weight is stored that way")
  func product() {
    let plain = LowRankUpdate(a: a, b: b, rank: 2, factor: 2, isTransposed: false)
    #expect((plain.rows, plain.columns) == (4, 3))
    let whole: [Float] = [12, 14, 16, 18, 20, 22, 20, 24, 28, 6, 8, 10]
    #expect(added(plain, 0, 12) == whole)
    let turned = LowRankUpdate(a: a, b: b, rank: 2, factor: 2, isTransposed: true)
    #expect((turned.rows, turned.columns) == (3, 4))
    let transposed: [Float] = [12, 18, 20, 6, 14, 20, 24, 8, 16, 22, 28, 10]
    #expect(added(turned, 0, 12) == transposed)
    for start in 0..<12 {
      for count in 0...12 - start {
        #expect(added(plain, start, count) == Array(whole[start..<start + count]))
      }
    }
  }
}
