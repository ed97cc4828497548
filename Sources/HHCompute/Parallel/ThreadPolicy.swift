// How many threads computations use.

internal import COpenBLAS
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
    return threads > 0 ? threads : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// Sets the number of threads, at least 1. Call it before any computation.
  package static func use(threads: Int) {
    precondition((1...1024).contains(threads), "a number of threads between 1 and 1024")
    chosen.store(threads, ordering: .relaxed)
  }

  /// OpenBLAS's version, processor and threading, for version reports.
  package static var backend: String {
    // Safe: the function returns a constant, null-terminated string.
    let configuration =
      unsafe openblas_get_config().map { unsafe String(cString: $0) } ?? "OpenBLAS"
    let threading =
      switch openblas_get_parallel() {
      case 0: "sequential"
      case 1: "pthreads"
      default: "OpenMP"
      }
    return "\(configuration) (\(threading))"
  }
}
