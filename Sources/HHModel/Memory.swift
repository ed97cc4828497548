// The memory of this machine.

internal import Glibc
package import HHFormat

/// Bytes of memory that the machine has.
package var machineMemory: Double {
  Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
}

/// Refuses work that needs more bytes of memory than the machine has.
///
/// - Throws: `PipelineError.tooLarge` naming the settings that ask for it.
package func requireMemory(_ memory: Double, of settings: SettingKey...) throws(PipelineError) {
  guard memory > machineMemory else { return }
  throw .tooLarge(memory: memory, of: settings)
}
