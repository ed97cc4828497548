// The memory of this machine.

internal import Glibc
internal import HHFormat

/// Bytes of memory that the machine has.
package var machineMemory: Double {
  Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
}

/// Refuses work that needs more bytes of memory than the machine has.
///
/// - Throws: `PipelineError.invalidOption` naming the options that ask for it.
package func requireMemory(_ memory: Double, of options: String) throws(PipelineError) {
  guard memory > machineMemory else { return }
  throw .invalidOption(
    name: options,
    problem: "expected work that fits the machine's \(fixed(machineMemory / 1e9, 1)) GB of memory,"
      + " found about \(fixed(memory / 1e9, 1)) GB")
}
