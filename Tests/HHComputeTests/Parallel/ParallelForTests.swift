// The division of work.

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

  @Test("The report of the backend names OpenBLAS")
  func backend() {
    #expect(ThreadPolicy.backend.contains("OpenBLAS"))
  }
}
