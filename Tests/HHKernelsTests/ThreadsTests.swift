// Threads as many as there are, and a caller that needs none.

import Glibc
import HHKernels
import Synchronization
import Testing

@Suite("Threads")
struct ThreadsTests {
  @Test("every number comes once, 0 on the calling thread", arguments: [0, 1, 2, 7])
  func numbers(count: Int) {
    let caller = pthread_self()
    let seen = Mutex<[Int]>([])
    onThreads(count) { index in
      seen.withLock { $0.append(index) }
      #expect((index == 0) == (pthread_equal(pthread_self(), caller) != 0))
    }
    #expect(seen.withLock { $0.sorted() } == Array(0..<max(1, count)))
  }

  @Test("where the system gives no threads the caller works alone")
  func none() async {
    await #expect(processExitsWith: .success) {
      // No thread can have a stack under this limit on memory.
      var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
      // Safe: the limit outlives the call.
      guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { exit(2) }
      let seen = Atomic(0)
      onThreads(4) { _ in seen.add(1, ordering: .relaxed) }
      guard seen.load(ordering: .relaxed) == 1 else { exit(3) }
      guard !startThread({}) else { exit(4) }
    }
  }
}
