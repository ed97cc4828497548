// Which of OpenBLAS's kernels are taken for which processor.

import HHCompute
import HHKernels
import Testing

struct BLASCoreTests {
  /// What OpenBLAS has chosen on a processor, and what it should be; nil for the same.
  struct Case: Sendable, CustomTestStringConvertible {
    let current: String
    var asked: String?
    let processor: Processor
    var core: String?
    var fault: BLASCore.Fault?
    var testDescription: String { "\(current) on \(processor), asked: \(asked ?? "nothing")" }
  }

  private static let xeon = Processor(maker: .intel, level: 4)
  private static let haswell = Processor(maker: .intel, level: 3)
  private static let zen4 = Processor(maker: .amd, level: 4)
  private static let old = Processor(maker: .intel, level: 2)

  @Test(
    "a core below the processor is replaced, and no other",
    arguments: [
      Case(current: "Prescott", processor: xeon, core: "SkylakeX", fault: .tooOld),
      Case(current: "Prescott", processor: haswell, core: "Haswell", fault: .tooOld),
      Case(current: "Barcelona", processor: zen4, core: "Zen", fault: .tooOld),
      Case(current: "Prescott", processor: old),
      Case(current: "Prescott", processor: Processor(maker: .other, level: 4)),
      Case(current: "Haswell", processor: xeon),
      Case(current: "SkylakeX", processor: xeon),
      Case(current: "Zen", processor: zen4),
      Case(current: "GraniteRapids", processor: xeon),
      Case(current: "armv8", processor: Processor(maker: .other, level: 0)),
      // The user's word holds where it can.
      Case(current: "Prescott", asked: "Prescott", processor: xeon),
      Case(current: "Haswell", asked: "HASWELL", processor: xeon),
      Case(current: "Prescott", asked: "", processor: xeon, core: "SkylakeX", fault: .tooOld),
      Case(
        current: "Cooperlake", asked: "Skylark", processor: xeon, core: "SkylakeX",
        fault: .unknown),
      Case(
        current: "SkylakeX", asked: "SkylakeX", processor: haswell, core: "Haswell",
        fault: .beyondProcessor),
    ])
  func choice(_ test: Case) {
    let better = BLASCore.better(than: test.current, asked: test.asked, on: test.processor)
    #expect(better?.core == test.core)
    #expect(better?.fault == test.fault)
  }

  @Test("what a choice leads to is not chosen differently", arguments: [xeon, haswell, zen4])
  func isStable(_ processor: Processor) throws {
    let core = try #require(BLASCore.better(than: "Prescott", asked: nil, on: processor)).core
    #expect(BLASCore.better(than: core, asked: core, on: processor) == nil)
  }

  @Test("products of this process are right") func products() { #expect(BLASCore.isSound) }
}
