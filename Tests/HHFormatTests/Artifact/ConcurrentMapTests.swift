// Jobs on several threads: results in order, one error, no waiting for ever.

import Synchronization
import Testing

@testable import HHFormat

@Suite("concurrentForEach")
struct ConcurrentMapTests {
  @Test(
    "results are consumed once and in order",
    arguments: [(0, 1, 1), (1, 4, 1), (100, 1, 1), (100, 3, 1), (100, 8, 5), (3, 8, 100)])
  func order(count: Int, threads: Int, ahead: Int) throws {
    let consumed = Mutex<[Int]>([])
    try concurrentForEach(count: count, threads: threads, ahead: ahead) {
    } _: { (_, index) throws(FormatError) in
      index
    } consume: { (index) throws(FormatError) in
      consumed.withLock { $0.append(index) }
    }
    #expect(consumed.withLock { $0 } == Array(0..<count))
  }

  @Test(
    "an error of a job, of its consumer or of a worker ends it", arguments: [1, 4],
    ["job", "consumer", "worker"])
  func failure(threads: Int, place: String) {
    let problem = FormatError(.io, file: "f", problem: place)
    let consumed = Mutex<[Int]>([])
    #expect(throws: problem) {
      try concurrentForEach(count: 50, threads: threads, ahead: 3) { () throws(FormatError) in
        if place == "worker" { throw problem }
      } _: { (_, index) throws(FormatError) in
        if place == "job", index == 20 { throw problem }
        return index
      } consume: { (index) throws(FormatError) in
        if place == "consumer", index == 20 { throw problem }
        consumed.withLock { $0.append(index) }
      }
    }
    let seen = consumed.withLock { $0 }
    #expect(seen == Array(0..<seen.count) && seen.count <= 20)
  }
}
