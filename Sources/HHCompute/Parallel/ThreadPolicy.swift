// How many threads computations use.

internal import Glibc
internal import Synchronization

/// The number of threads of the process's computations.
///
/// One owner of the cores: `parallelFor` runs everything that is worth several threads, matrix
/// products included. OpenBLAS computes on the thread that calls it.
package enum ThreadPolicy {
  // 0 stands for "not set": one thread per online processor.
  private static let chosen = Atomic<Int>(0)

  /// Threads that `parallelFor` uses; the number of online processors until set.
  package static var threads: Int {
    let threads = chosen.load(ordering: .relaxed)
    return threads > 0 ? threads : atMost(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Sets the number of threads, at least 1. Call it before any computation.
  package static func use(threads: Int) {
    precondition((1...1024).contains(threads), "a number of threads between 1 and 1024")
    chosen.store(atMost(threads), ordering: .relaxed)
  }

  /// As many threads, or those that there is room for: results do not depend on their number.
  private static func atMost(_ threads: Int) -> Int { min(threads, room ?? threads) }

  private static let room = AddressSpace.threads
}
