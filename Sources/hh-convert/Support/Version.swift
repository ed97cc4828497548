// What this build is and what it computes with.

import HHPipeline

/// The program's version, as `--version` prints it.
enum Version {
  static var text: String {
    "hh-convert \(Producer.version) (\(Producer.computeBackend))"
  }
}
