// The name and version that go into artifacts, and what this machine computes with.

internal import FoundationEssentials
internal import HHCompute

/// This program, as artifacts and `--version` name it.
package enum Producer {
  package static let name = "hh-convert"
  package static let version = "0.1.0"

  /// The linear-algebra library and how it threads.
  package static var computeBackend: String { ThreadPolicy.backend }

  /// Processors this process may use.
  package static var processorCount: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}
