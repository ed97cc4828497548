// Jobs on several threads: results in order, one error, no waiting for ever.

import Synchronization
import Testing

@testable import HHFormat

@Suite("concurrentForEach")
struct ConcurrentMapTests {
  @Test(
    "results are consumed once and in order",
    arguments: [
      (0, 1, 1), (0, 3, 1), (1, 4, 1), (100, 1, 1), (100, 3, 1), (100, 8, 5), (3, 8, 100),
    ])
  func order(count: Int, threads: Int, ahead: Int) throws {
    let consumed = Mutex<[Int]>([])
    try concurrentForEach(count: count, threads: threads, ahead: ahead) { _ in
    } _: { (_, index) throws(FormatError) in
      index
    } consume: { (index) throws(FormatError) in
      consumed.withLock { $0.append(index) }
    }
    #expect(consumed.withLock { $0 } == Array(0..<count))
  }

  @Test(
    "an error of a job, its consumer, a worker or other work ends it", arguments: [1, 4],
    ["job", "consumer", "worker", "beside"])
  func failure(threads: Int, place: String) {
    let problem = FormatError(.io, file: "f", problem: place)
    let consumed = Mutex<[Int]>([])
    #expect(throws: problem) {
      try concurrentForEach(count: 50, threads: threads, ahead: 3) { (_) throws(FormatError) in
        if place == "worker" { throw problem }
      } beside: { (_, job) throws(FormatError) in
        if place == "beside", job ?? 20 >= 20 { throw problem }
        return false
      } _: { (_, index) throws(FormatError) in
        if place == "job", index == 20 { throw problem }
        return index
      } consume: { (index) throws(FormatError) in
        if place == "consumer", index == 20 { throw problem }
        consumed.withLock { $0.append(index) }
      }
    }
    let seen = consumed.withLock { $0 }
    #expect(seen == Array(0..<seen.count))
    // The other threads go on with jobs until the first one, whenever it gets its turn, fails beside.
    #expect(seen.count <= (place == "beside" && threads > 1 ? 50 : 20))
  }

  @Test(
    "other work is done before jobs by the first thread, and at last by all", arguments: [1, 4])
  func beside(threads: Int) throws {
    let left = Mutex(1000)
    let threadsBeforeJobs = Mutex<Set<Int>>([])
    let jobs = Atomic(0)
    try concurrentForEach(count: 20, threads: threads, ahead: 3) { thread in
      thread
    } beside: { (thread, job) throws(FormatError) in
      left.withLock { left in
        // Ten parts before each job.
        if let job {
          _ = threadsBeforeJobs.withLock { $0.insert(thread) }
          guard left > 1000 - 10 * (job + 1) else { return false }
        }
        left -= left > 0 ? 1 : 0
        return left > 0
      }
    } _: { (_, index) throws(FormatError) in
      index
    } consume: { (_) throws(FormatError) in
      jobs.add(1, ordering: .relaxed)
    }
    #expect(left.withLock { $0 } == 0)
    #expect(threadsBeforeJobs.withLock { $0 }.isSubset(of: [0]))
    #expect(jobs.load(ordering: .relaxed) == 20)
  }
}
