// The right kernels of OpenBLAS: where it chose wrongly, the program starts once more.

import Glibc
import HHCompute
import HHFormat

/// Makes OpenBLAS compute with the kernels of this processor.
///
/// OpenBLAS chooses when it is loaded. Another choice takes the variable that it reads and a new
/// program in the same process, which keeps process id, arguments, descriptors and signals.
enum KernelChoice {
  /// What a start that follows such a choice finds: the core that OpenBLAS had chosen.
  private static let marker = "HH_BLAS_CORE_BEFORE"

  /// The core that OpenBLAS chose first, where it was another.
  static var replaced: String? { environmentVariable(marker) }

  /// Starts the program once more where OpenBLAS computes with the wrong kernels; otherwise returns.
  /// Call it before anything else is done.
  ///
  /// - Throws: `.internalError` where products are wrong with the plainest kernels too.
  static func settle() throws(ReportedFailure) {
    let (asked, current) = (environmentVariable(BLASCore.variable), BLASCore.current)
    if replaced == nil,
      let better = BLASCore.better(than: current, asked: asked)
    {
      if let asked, better.fault != .tooOld {
        let problem =
          better.fault == .unknown ? "a core that OpenBLAS has" : "a core for this processor"
        Terminal.writeError(
          "warning: \(BLASCore.variable): expected \(problem), found \(quoted(asked));"
            + " using \(better.core)\n")
      }
      restart(with: better.core, insteadOf: current)
    }
    // A core that OpenBLAS did not choose itself has to show that it is right.
    if replaced != nil, !BLASCore.isSound {
      if current != plainest { restart(with: plainest, insteadOf: current) }
      throw ReportedFailure(
        message: "OpenBLAS: wrong products with the kernels for \(current)"
          + "\nhint: install a newer OpenBLAS, or name a core in \(BLASCore.variable)",
        status: .software)
    }
  }

  /// The core to fall back on.
  private static let plainest = "Nehalem"

  /// Replaces this program by a new start of it. Returns where the system does not allow that.
  private static func restart(with core: String, insteadOf current: String) {
    // Safe: names and values are passed as C strings; there are no other threads of ours yet.
    unsafe setenv(BLASCore.variable, core, 1)
    unsafe setenv(marker, current, 1)
    unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
  }
}
