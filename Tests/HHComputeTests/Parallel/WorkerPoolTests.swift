import Synchronization
import Testing

@testable import HHCompute

@Suite struct WorkerPoolTests {
  @Test("The caller always works, and no index is given twice", arguments: [1, 2, 5])
  func indices(count: Int) {
    let pool = WorkerPool()
    for _ in 0..<200 {
      let seen = Mutex<[Int]>([])
      pool.perform(count: count) { index in seen.withLock { $0.append(index) } }
      let indices = seen.withLock { $0 }
      #expect(indices.contains(0) && Set(indices).count == indices.count)
      #expect(indices.allSatisfy { (0..<count).contains($0) })
    }
  }

  @Test("A call inside another is the caller's alone")
  func nested() {
    let pool = WorkerPool()
    let inner = Mutex<[Int]>([])
    pool.perform(count: 3) { index in
      if index == 0 { pool.perform(count: 3) { index in inner.withLock { $0.append(index) } } }
    }
    #expect(inner.withLock { $0 } == [0])
  }
}
