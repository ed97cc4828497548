// Limits on memory as the program sees them.

import Glibc
import Testing

@testable import HHCompute

@Suite("AddressSpace")
struct AddressSpaceTests {
  @Test(
    "a limit leaves what is not used yet, for at least one thread",
    arguments: [RLIMIT_AS.rawValue, RLIMIT_DATA.rawValue])
  func limited(number: UInt32) async {
    await #expect(processExitsWith: .success) { [number = number as UInt32] in
      let resource = __rlimit_resource_t(number)
      var limit = rlimit()
      // Safe (both): the limit outlives the calls.
      guard unsafe getrlimit(resource, &limit) == 0 else { exit(2) }
      limit.rlim_cur = 1 << 40
      guard unsafe setrlimit(resource, &limit) == 0 else { exit(3) }
      guard let left = AddressSpace.left, left < 1 << 40, left > 1 << 39 else { exit(4) }
      guard AddressSpace.suffices,
        AddressSpace.threads == (left - AddressSpace.least) / AddressSpace.perThread
      else { exit(5) }
    }
  }
}
