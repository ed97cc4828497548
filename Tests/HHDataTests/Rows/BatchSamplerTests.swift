// The order in which rows are drawn.

import HHCompute
import Testing

@testable import HHData

@Suite("BatchSampler")
struct BatchSamplerTests {
  @Test("Every row comes once before any comes again", arguments: [1, 3, 7, 10])
  func epochs(batch: Int) {
    var sampler = BatchSampler(rowCount: 10, generator: SeededGenerator(seed: 5))
    var drawn: [Int] = []
    while drawn.count < 30 { drawn += sampler.next(batch) }
    for epoch in 0..<3 {
      #expect(drawn[epoch * 10..<epoch * 10 + 10].sorted() == Array(0..<10))
    }
    #expect(drawn[0..<10] != drawn[10..<20])
  }

  @Test("A sampler taken up at a position goes on as the first would have")
  func resume() {
    var first = BatchSampler(rowCount: 7, generator: SeededGenerator(seed: 6))
    _ = first.next(12)
    var second = BatchSampler(
      rowCount: 7, generator: SeededGenerator(seed: 6), position: first.position)
    #expect(first.next(9) == second.next(9))
    #expect(second.position == 21)
  }
}
