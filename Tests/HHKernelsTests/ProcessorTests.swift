// What the processor says of itself.

import Foundation
import HHKernels
import Testing

struct ProcessorTests {
  @Test("maker and level agree with the flags that the system lists")
  func flags() throws {
    let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let processor = Processor.current
    #expect((processor.maker == .intel) == text.contains("GenuineIntel"))
    #expect((processor.maker == .amd) == text.contains("AuthenticAMD"))
    #expect((processor.level >= 3) == text.contains(" avx2 "))
    #expect((processor.level == 4) == text.contains(" avx512vl "))
  }
}
