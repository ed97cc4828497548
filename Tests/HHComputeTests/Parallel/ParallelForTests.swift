// The division of work.

import Dispatch
import Glibc
import HHCompute
import Synchronization
import Testing

@Suite struct ParallelForTests {
  @Test("Every item is done exactly once", arguments: [0, 1, 2, 7, 64, 1000], [1, 3, 64])
  func coverage(count: Int, grain: Int) {
    let done = Mutex([Int](repeating: 0, count: count))
    parallelFor(count: count, grain: grain) { range, worker in
      #expect(range.count <= grain && worker < ThreadPolicy.threads)
      done.withLock { done in for item in range { done[item] += 1 } }
    }
    #expect(done.withLock { $0 } == [Int](repeating: 1, count: count))
  }

  @Test("A loop inside a loop, and loops of several threads at a time, do every item once")
  func inside() {
    let done = Mutex([Int](repeating: 0, count: 600))
    DispatchQueue.concurrentPerform(iterations: 3) { caller in
      parallelFor(count: 20) { outer, _ in
        for outer in outer {
          parallelFor(count: 10) { inner, _ in
            for inner in inner {
              done.withLock { $0[(caller * 20 + outer) * 10 + inner] += 1 }
            }
          }
        }
      }
    }
    #expect(done.withLock { $0 } == [Int](repeating: 1, count: 600))
  }

  @Test("Thousands of short loops, with and without pauses for workers to leave, lose nothing")
  func manyLoops() {
    for turn in 0..<3000 {
      let sum = Atomic<Int>(0)
      parallelFor(count: 9) { range, _ in
        for item in range { sum.add(item + turn, ordering: .relaxed) }
      }
      #expect(sum.load(ordering: .relaxed) == 36 + 9 * turn)
      if turn.isMultiple(of: 100) { usleep(300) }
    }
  }
}
