// Runs that signals stop, and what their folder says of that.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Stopped runs")
struct StoppedRunTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private static let arguments =
    Bench.short("gpt2", steps: 3000) + ["--run", "run", "-o", "out", "--threads", "1"]
  private static let step = #""layer":0,"layers":3,"step":11,"#

  /// What the run's folder says of its last failure.
  private func lastError() throws -> JSONValue {
    try JSONValue(parsing: [UInt8](bench.bytes("run/last-error.json")))
  }

  private func hasError() throws -> Bool {
    try directoryEntries(of: bench.folder.path("run")).contains("last-error.json")
  }

  @Test(
    "a signal saves a checkpoint and ends a run with 75, and the run goes on from there",
    arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
  func signals(_ signal: Int32) throws {
    let arguments = Bench.short("gpt2", steps: 60) + ["--run", "run", "-o", "out"]
    let stopped = try Tool.run(arguments, in: bench.folder, until: Self.step, then: signal)
    #expect(stopped.status == 75)
    let said = "interrupted by signal \(signal)\nhint: 'hh-convert resume run' goes on"
    #expect(stopped.errors == "error: \(said)\n")
    #expect(try bench.contents == ["run"])
    let names = try directoryEntries(of: bench.folder.path("run"))
    #expect(names.contains { $0.hasPrefix("checkpoint-") })
    let failure = try lastError()
    #expect(failure["error"]?.string == said && failure["status"]?.integer == 75)
    #expect(failure["time"]?.string?.wholeMatch(of: /2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
    let resumed = try Tool.run("resume", "run", "--json", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(!resumed.output.contains(#""layer":0,"layers":3,"step":1,"#))
    #expect(try !hasError())
  }

  @Test("a second signal ends a run at once, without a word and without a checkpoint")
  func twice() throws {
    // Both arrive before the process does anything more: it is halted meanwhile.
    let outcome = try Tool.run(
      Self.arguments, in: bench.folder, until: Self.step,
      then: SIGSTOP, SIGTERM, SIGUSR1, SIGCONT)
    #expect([128 + SIGTERM, 128 + SIGUSR1].contains(outcome.status), "\(outcome)")
    #expect(outcome.errors.isEmpty)
    #expect(
      try !directoryEntries(of: bench.folder.path("run")).contains {
        $0.hasPrefix("checkpoint-") || $0 == "last-error.json"
      })
  }

  @Test("a closed terminal tells twice, and the run is saved all the same")
  func hangUpTwice() throws {
    let outcome = try Tool.run(
      Self.arguments, in: bench.folder, until: Self.step, then: SIGHUP, SIGHUP)
    #expect(outcome.status == 75, "\(outcome)")
  }

  @Test("a run that cannot go on says why, and another process's run is left alone")
  func failures() throws {
    try bench.folder.write(
      String(contentsOfFile: Fixtures.path("data/corpus.txt"), encoding: .utf8), to: "own.txt")
    let arguments = [
      "models/gpt2", "--recipe", "hedgehog", "--steps", "60", "--data", "own.txt", "--length", "32",
      "--run", "run", "-o", "out",
    ]
    _ = try Tool.run(arguments, in: bench.folder, until: Self.step, then: SIGKILL)
    #expect(try !hasError())
    try FileManager.default.removeItem(atPath: bench.folder.path("own.txt"))
    let outcome = try Tool.run("resume", "run", in: bench.folder)
    #expect(outcome.status == 66)
    #expect(try lastError()["status"]?.integer == 66)
    #expect(try lastError()["error"]?.string?.contains("own.txt: cannot be opened") == true)
    let other = try Tool.run(arguments, in: bench.folder)
    #expect(other.status == 66 || other.status == 73)
    #expect(try lastError()["status"]?.integer == 66)
  }

  @Test("what a kill leaves while a run's recipe is written is in nobody's way")
  func recipe() throws {
    let left = try Tool.shell(
      "mkdir run; (exec sh -c 'touch run/.recipe.yaml.$(uname -n | cut -d. -f1).$$.partial')",
      in: bench.folder)
    #expect(left.status == 0)
    #expect(try directoryEntries(of: bench.folder.path("run")).count == 1)
    let outcome = try Tool.run(
      Bench.short("gpt2") + ["--run", "run", "-o", "out", "-q"], in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
  }

  private static let adapter = [
    "--finetune-steps", "3", "--lora", "2", "--adapter", "adapter", "--run", "run", "-o", "out",
  ]

  @Test("a kill while the artifact is written leaves no adapter, and the run goes on")
  func adapter() throws {
    // A file may have 200 kB: the checkpoints and the adapter are smaller, the artifact is not.
    let words = (Bench.short("gpt2") + Self.adapter).joined(separator: " ")
    let full = try Tool.shell("ulimit -f 400; $hh \(words) -q", in: bench.folder)
    #expect(full.status == 74, "\(full)")
    #expect(try bench.contents == ["run"])
    #expect(try lastError()["status"]?.integer == 74)
    let resumed = try Tool.run("resume", "run", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try bench.contents == ["run", "adapter", "out"])
  }

  @Test("a kill between adapter and artifact leaves a run that goes on, and nobody else's adapter")
  func adapterAlone() throws {
    #expect(try Tool.run(Bench.short("gpt2") + Self.adapter + ["-q"], in: bench.folder).status == 0)
    let (artifact, adapter) = (
      try bench.bytes("out"), try bench.bytes("adapter/adapter_config.json")
    )
    // What is there when the process ends between both.
    try FileManager.default.removeItem(atPath: bench.folder.path("out"))
    let log = bench.folder.path("run/events.jsonl")
    let events = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    try (events.dropLast().joined(separator: "\n") + "\n").write(
      toFile: log, atomically: true, encoding: .utf8)
    let resumed = try Tool.run("resume", "run", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try bench.bytes("out") == artifact)
    #expect(try bench.bytes("adapter/adapter_config.json") == adapter)

    try FileManager.default.removeItem(atPath: bench.folder.path("out"))
    try bench.folder.write("{}", to: "adapter/adapter_model.safetensors")
    let refused = try Tool.run("resume", "run", "-q", in: bench.folder)
    #expect(refused.status == 73, "\(refused)")
    expectError(refused, "adapter: expected no folder or this run's adapter, found another")
    #expect(try bench.bytes("adapter/adapter_model.safetensors") == Data("{}".utf8))
    #expect(try bench.contents == ["run", "adapter"])
  }
}
