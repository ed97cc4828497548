// What this build is and what it computes with.

import HHModel

/// The program's version, as `--version` prints it.
enum Version {
  static var text: String {
    "hh-convert \(Producer.version) (\(Producer.computeBackend)\(choice))"
  }

  /// Which kernels OpenBLAS would have used by itself.
  private static var choice: String {
    KernelChoice.replaced.map { ", kernels chosen instead of \($0)'s" } ?? ""
  }
}
