// Limits, signals and a system in which the program cannot work, or only with less.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Surroundings")
struct SurroundingsTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private static let short = Bench.short("gpt2").joined(separator: " ")
  private static let isRoot = geteuid() == 0

  @Test(
    "a limit on memory that is too low ends the program in one line",
    arguments: ["v 200000", "v 300000", "d 100000", "d 200000"])
  func littleMemory(_ limit: String) throws {
    let outcome = try Tool.shell("ulimit -\(limit); $hh \(Self.short) -q -o out", in: bench.folder)
    #expect(outcome.status == 75, "\(outcome)")
    #expect(outcome.errors.hasPrefix("error: memory: expected limits (ulimit -v, ulimit -d) that"))
    #expect(try bench.contents.isEmpty)
  }

  @Test("limits that leave room for one thread give the same artifact")
  func oneThread() throws {
    for (name, limit) in [("free", "unlimited"), ("v", "600000")] {
      let outcome = try Tool.shell(
        "ulimit -v \(limit); $hh \(Self.short) --threads 2 -q -o \(name)", in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
    }
    #expect(try bench.bytes("free") == bench.bytes("v"))
  }

  @Test(
    "where the system gives no more threads, one does the work",
    .enabled(if: isRoot, "only root can change users"),
    arguments: [1, 2])
  func noThreads(_ limit: Int) throws {
    // A user of whom nothing else runs; root has no such limit.
    let outcome = try Tool.shell(
      """
      chmod 777 .; exec setpriv --reuid=64321 --clear-groups prlimit --nproc=\(limit) \
      $hh \(Self.short) --threads 4 -q -o out
      """, in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.errors.isEmpty)
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
  }

  @Test("without /proc the program says so")
  func noProc() throws {
    let outcome = try Tool.shell(
      "unshare -m sh -c 'mount -t tmpfs none /proc || exit 99; exec $0 inspect models/gpt2' $hh",
      in: bench.folder)
    guard outcome.status == 69 || outcome.errors.hasPrefix("error: ") else {
      print("SurroundingsTests: SKIPPED: no right to hide /proc: \(outcome.errors)")
      return
    }
    #expect(outcome.status == 69)
    expectError(outcome, "/proc: expected the system's files about this process, found none")
  }

  @Test("SIGQUIT ends a conversion at once and without a word")
  func quit() throws {
    let outcome = try Tool.run(
      Bench.short("gpt2", steps: 3000) + ["-o", "out"], in: bench.folder,
      until: #""event":"step""#, then: SIGQUIT)
    #expect(outcome.status == 128 + SIGQUIT)
    #expect(outcome.errors.isEmpty)
    #expect(try bench.contents.isEmpty)
  }

  @Test("a model that is shortened while it is read ends in one line, with 74 and no output")
  func shortened() throws {
    #expect(try Tool.shell("cp -rL models/gpt2 own", in: bench.folder).status == 0)
    let arguments = [
      "own", "--recipe", "hedgehog", "--steps", "400", "--batch", "2", "--length", "16",
      "--data", "data/corpus.txt", "-o", "out",
    ]
    let weights = bench.folder.path("own/model.safetensors")
    // The first layer is being trained; the next ones are yet to be read.
    let outcome = try Tool.run(
      arguments, in: bench.folder, until: #""layer":0,"layers":3,"step":1,"#, then: SIGSTOP,
      SIGCONT, between: { #expect(unsafe truncate(weights, 4096) == 0) })
    #expect(outcome.status == 74, "\(outcome)")
    #expect(
      outcome.errors.hasPrefix(
        "error: \(weights): expected the bytes that were there when it was opened"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try bench.contents == ["own"])
  }

  @Test(
    "another user's file in a folder like /tmp is refused before any work",
    .enabled(if: isRoot, "only root can change users"))
  func othersFile() throws {
    let outcome = try Tool.shell(
      """
      mkdir shared; chmod 1777 shared; echo precious > shared/out; chmod 755 .
      exec setpriv --reuid=64321 --clear-groups $hh \(Self.short) --force -o shared/out
      """, in: bench.folder)
    #expect(outcome.status == 73, "\(outcome)")
    expectError(outcome, "shared/out: expected an output of this user's to replace, found another")
    #expect(!outcome.errors.contains("reading"))
    #expect(try bench.bytes("shared/out") == Data("precious\n".utf8))
  }
}
