// Which rows each step sees.

import Testing

@testable import HHTraining

@Suite("BatchSchedule")
struct BatchScheduleTests {
  private static let cases = [
    (rows: 1, size: 1, steps: 1), (1, 8, 5), (16, 4, 3), (16, 4, 4), (17, 4, 30), (100, 7, 45),
    (5, 5, 2), (64, 8, 200), (3, 8, 0),
  ]

  @Test("the batches are all rows once, in order", arguments: cases)
  func batches(rows: Int, size: Int, steps: Int) {
    let schedule = BatchSchedule(rowCount: rows, batchSize: size, steps: steps, seed: 1)
    #expect(schedule.batches.flatMap(Array.init) == Array(0..<rows))
    #expect(schedule.batches.dropLast().allSatisfy { $0.count == size })
    #expect(schedule.batches.allSatisfy { (1...size).contains($0.count) })
  }

  @Test("every batch is visited once before any is visited again", arguments: cases)
  func passes(rows: Int, size: Int, steps: Int) {
    let schedule = BatchSchedule(rowCount: rows, batchSize: size, steps: steps, seed: 9)
    #expect(schedule.order.count == steps)
    let count = schedule.batches.count
    for start in stride(from: 0, to: steps, by: count) {
      let pass = schedule.order[start..<min(steps, start + count)]
      #expect(Set(pass).count == pass.count)
      #expect(pass.allSatisfy { (0..<count).contains($0) })
    }
    for batch in 0..<count {
      #expect(schedule.lastVisit[batch] == schedule.order.lastIndex(of: batch))
    }
  }

  @Test("the order is the seed's, and each pass has its own")
  func order() {
    func order(_ seed: UInt64) -> [Int] {
      BatchSchedule(rowCount: 64, batchSize: 4, steps: 48, seed: seed).order
    }
    #expect(order(1) == order(1))
    #expect(order(1) != order(2))
    #expect(order(1)[0..<16] != order(1)[16..<32])
    let short = BatchSchedule(rowCount: 64, batchSize: 4, steps: 20, seed: 1).order
    #expect(Array(order(1).prefix(20)) == short)
  }
}
