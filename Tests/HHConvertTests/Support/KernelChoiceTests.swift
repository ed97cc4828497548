// The program starts once more with the right kernels of OpenBLAS, unseen.

import HHCompute
import HHKernels
import HHTestSupport
import Testing

struct KernelChoiceTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func core(_ version: String) throws -> String {
    // "… NO_AFFINITY Haswell MAX_THREADS=64 …"
    let words = version.split(separator: " ")
    let end = try #require(words.firstIndex { $0.hasPrefix("MAX_THREADS") })
    return String(words[end - 1])
  }

  @Test("Nothing is chosen that OpenBLAS's own choice, or the user's, is as good as")
  func chosen() throws {
    let alone = try Tool.shell("unset OPENBLAS_CORETYPE; \"$hh\" --version", in: folder)
    #expect(alone.status == 0)
    #expect(alone.errors.isEmpty)
    #expect(BLASCore.better(than: try core(alone.output), asked: nil, on: .current) == nil)
    let asked = try Tool.shell("OPENBLAS_CORETYPE=Nehalem \"$hh\" --version", in: folder)
    #expect(try core(asked.output) == "Nehalem")
    #expect(asked.errors.isEmpty)
  }

  @Test(
    "A core that does not exist is told in one line, and another is used",
    .enabled(if: Processor.current.level >= 3 && Processor.current.maker != .other))
  func unknown() throws {
    let outcome = try Tool.shell("OPENBLAS_CORETYPE=Nonesuch \"$hh\" --version", in: folder)
    #expect(outcome.status == 0)
    let core = try core(outcome.output)
    #expect(
      outcome.errors
        == "warning: OPENBLAS_CORETYPE: expected a core that OpenBLAS has, found 'Nonesuch';"
        + " using \(core)\n")
  }

  @Test("Arguments, streams, exit status and process id stay")
  func restart() throws {
    let outcome = try Tool.shell(
      """
      unset OPENBLAS_CORETYPE
      exec "$hh" inspect 'no such file'
      """, in: folder)
    // The shell's own process, which is waited for, is the one that ends with it.
    #expect(outcome.status == 66)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("no such file"))
  }
}
