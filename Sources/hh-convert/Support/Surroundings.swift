// What the program needs of the system before it does anything, and what it meets on the way.

import Glibc
import HHCompute
import HHFormat

/// The process's surroundings: limits, the system's files, libraries, and signals of its own making.
enum Surroundings {
  /// Refuses to begin where the program would hang, crash or misread its arguments.
  ///
  /// - Throws: `ReportedFailure` with the status `unsupported`, or `tryAgain` where a limit is too low.
  static func check() throws(ReportedFailure) {
    // The arguments come from there, and what is left under a limit.
    // Safe: the path is passed as a C string.
    guard unsafe access("/proc/self/exe", F_OK) == 0 else {
      throw ReportedFailure(
        message: "/proc: expected the system's files about this process, found none"
          + "\nhint: mount it: mount -t proc proc /proc", status: .unsupported)
    }
    guard AddressSpace.suffices else {
      let least = AddressSpace.least + AddressSpace.perThread
      throw ReportedFailure(
        message: "memory: expected limits (ulimit -v, ulimit -d) that leave at least"
          + " \(Format.bytes(least)), found \(Format.bytes(AddressSpace.left ?? 0)) left"
          + "\nhint: raise the limit: ulimit -v unlimited; ulimit -d unlimited", status: .tryAgain)
    }
    // Before the library is loaded: each of its own threads would take memory and a place under the
    // limit on processes, and none of them is used.
    // Safe: name and value are passed as C strings; there are no other threads yet.
    unsafe setenv("OPENBLAS_NUM_THREADS", "1", 1)
    guard OpenBLAS.installed != nil else {
      throw ReportedFailure(
        message: "OpenBLAS: expected the library libopenblas.so.0, found none"
          + "\nhint: install it: apt-get install libopenblas0", status: .unsupported)
    }
  }

  /// Ends the process in one line where a mapped file loses bytes while they are read, and at SIGQUIT
  /// without any: Swift's own handlers would tell of a crash, and can hang.
  static func handleFatalSignals() {
    if !Interrupts.isIgnored(SIGQUIT) { _ = Glibc.signal(SIGQUIT, SIG_DFL) }
    LostBytes.handle()
  }
}
