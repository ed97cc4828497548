// The library that multiplies, found where it is installed.

import Testing

@testable import HHCompute

@Suite("OpenBLAS")
struct OpenBLASTests {
  @Test("the installed library says what it is")
  func installed() throws {
    let library = try #require(OpenBLAS.installed)
    #expect(library.configuration.hasPrefix("OpenBLAS"))
    #expect(!library.core.isEmpty && (0...2).contains(library.parallelism))
  }

  @Test("a library that is none, or another, is passed over")
  func others() {
    #expect(OpenBLAS.opened(["libnone.so.0", "libm.so.6"]) == nil)
    #expect(OpenBLAS.opened(["libnone.so.0", "libopenblas.so.0"]) != nil)
  }
}
