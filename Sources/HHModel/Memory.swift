// The memory of this machine, or the part of it that is ours.

internal import Glibc
internal import HHCompute
package import HHFormat

/// Bytes of memory that the machine has, or the container or job that this process is in.
package var machineMemory: Double {
  let machine = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
  return min(machine, ControlGroup.memoryLimit ?? machine)
}

/// Refuses work that needs more bytes of memory than the machine has.
///
/// - Throws: `PipelineError.tooLarge` naming the settings that ask for it.
package func requireMemory(_ memory: Double, of settings: SettingKey...) throws(PipelineError) {
  guard memory > machineMemory else { return }
  throw .tooLarge(memory: memory, of: settings)
}
