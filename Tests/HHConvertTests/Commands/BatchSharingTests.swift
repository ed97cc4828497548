// Batches that several processes share, that are watched, stopped and gone on with.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Batch: sharing the work")
struct BatchSharingTests {
  let bench: Bench
  private static let suffix = ".hedgehog.safetensors.zst"
  private static let short = ["--steps", "2", "--batch", "2", "--length", "16"]

  init() throws {
    bench = try Bench()
    for model in ["gpt2", "bert", "llama"] {
      try bench.folder.link("zoo/\(model)", to: Fixtures.path("models/\(model)"))
    }
  }

  private func batch(_ arguments: String...) throws -> Tool.Outcome {
    try Tool.run(
      ["batch", "zoo", "-o", "out", "--stages", "rewrite"] + arguments, in: bench.folder)
  }

  private func converted() throws -> [String] {
    try directoryEntries(of: bench.folder.path("out")).map {
      String($0.dropLast(Self.suffix.count))
    }
  }

  @Test("shards convert every model once, and the status follows the artifacts")
  func shards() throws {
    let first = try batch("--shard", "1/2")
    #expect(first.status == 0, "\(first)")
    #expect(try converted() == ["bert", "llama"])
    let status = try batch("--status")
    #expect(status.status == 3)
    #expect(
      status.output == """
        model      state    found
        zoo/bert   done
        zoo/gpt2   missing
        zoo/llama  done
        3 models: 2 done, 1 missing

        """)
    #expect(status.errors == "error: 1 of 3 models are not converted\n")
    let second = try Tool.shell(
      "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=2 SLURM_NTASKS=4"
        + " $hh batch zoo -o out --stages rewrite --shard auto", in: bench.folder)
    #expect(second.status == 0, "\(second)")
    #expect(try converted() == ["bert", "gpt2", "llama"])
    let whole = try batch("--status", "--json")
    #expect(whole.status == 0 && whole.errors.isEmpty)
    let sums = try parse(try #require(whole.lines.last))
    #expect(sums["event"]?.string == "status" && sums["done"]?.integer == 3)
    #expect(try batch("--status", "--shard", "2/2").output.hasSuffix("1 models: 1 done\n"))
    // Neither a name nor a time decides, but what the artifact was made of and how.
    let other = try Tool.run(
      "batch", "zoo/gpt2", "-o", "out", "--stages", "rewrite", "--window", "4", "--status",
      "--json",
      in: bench.folder)
    #expect(other.status == 3)
    #expect(try parse(other.lines[0])["state"]?.string == "other")
  }

  @Test("a shard that there is not is refused before any work")
  func outside() throws {
    for shard in ["0/2", "3/2"] {
      let outcome = try batch("--shard", shard)
      #expect(outcome.status == 64)
      expectError(outcome, "--shard: expected a shard from 1 to 2, found ")
    }
    let more = try batch("--shard", "9/9")
    #expect(more.status == 0, "\(more)")
    #expect(try bench.contents == ["zoo", "out"] && converted().isEmpty)
  }

  @Test(
    "copies that a launcher starts by mistake are refused",
    arguments: ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"],
    ["models/gpt2 --stages rewrite -o out", "batch zoo --stages rewrite -o out"])
  func copies(_ variable: String, _ words: String) throws {
    let outcome = try Tool.shell("\(variable)=3 $hh \(words)", in: bench.folder)
    #expect(outcome.status == 64)
    expectError(
      outcome, "\(variable): expected one copy of this command, found 3 that are started at once")
    #expect(try bench.contents == ["zoo"])
    let single = try Tool.shell("\(variable)=1 $hh \(words) -q", in: bench.folder)
    #expect(single.status == 0, "\(single)")
  }

  @Test("two processes may convert the same models: both succeed, and the artifacts are whole")
  func twoWriters() throws {
    let command = "$hh batch zoo -o out -q \(Self.short.joined(separator: " "))"
    let outcome = try Tool.shell(
      "\(command) & first=$!; \(command); second=$?; wait $first; echo $? $second",
      in: bench.folder)
    #expect(outcome.output == "0 0\n", "\(outcome)")
    #expect(try converted() == ["bert", "gpt2", "llama"])
    for name in try directoryEntries(of: bench.folder.path("out")) {
      #expect(try Tool.run("verify", "-q", "out/\(name)", in: bench.folder).status == 0)
    }
  }

  @Test("conversions end with their batch, even where that is killed")
  func killed() throws {
    let process = Process()
    process.executableURL = URL(filePath: try Tool.path)
    process.currentDirectoryURL = URL(filePath: bench.folder.path)
    process.arguments = [
      "batch", "zoo", "-o", "out", "--jobs", "2", "--steps", "1000000", "--length", "16", "-q",
    ]
    try process.run()
    let path = "/proc/\(process.processIdentifier)/task/\(process.processIdentifier)/children"
    var children: [pid_t] = []
    while children.count < 2 {
      sched_yield()
      children = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
        .compactMap { pid_t($0) }
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    // What is there of a process that has ended, until somebody asks how, is a zombie.
    func isAlive(_ process: pid_t) -> Bool {
      guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
        return false
      }
      return !text.contains(") Z ")
    }
    let limit = ContinuousClock.now + .seconds(60)
    while children.contains(where: isAlive), .now < limit { usleep(10_000) }
    let left = children.filter(isAlive)
    #expect(left.isEmpty)
    for process in left { kill(process, SIGKILL) }
  }

  @Test("a resumable batch that is stopped ends with 75, and goes on inside a model")
  func resumable() throws {
    let words = ["batch", "zoo/gpt2", "-o", "out", "--recipe", "hedgehog", "--resumable"]
    let settings = ["--steps", "400", "--batch", "2", "--length", "16"]
    let run = "out/gpt2\(Self.suffix).run"
    let stopped = try Tool.shell(
      """
      $hh \((words + settings).joined(separator: " ")) -q & batch=$!
      for _ in $(seq 3000); do
        grep -q '"layer":0,"layers":3,"step":11,' \(run)/events.jsonl 2>/dev/null && break
        sleep 0.02
      done
      kill -USR1 $batch; wait $batch
      """, in: bench.folder)
    #expect(stopped.status == 75, "\(stopped)")
    #expect(stopped.errors == "error: interrupted by signal 10: 0 of 1 models are converted\n")
    #expect(
      try directoryEntries(of: bench.folder.path(run)).contains { $0.hasPrefix("checkpoint-") })
    // With other settings it is another conversion.
    let other = try Tool.run(
      words + ["--steps", "300"] + settings.dropFirst(2) + ["--json"], in: bench.folder)
    #expect(other.status == 3)
    #expect(other.output.contains("the settings that the run began with, found others"))
    let again = try Tool.run(words + settings + ["-q"], in: bench.folder)
    #expect(again.status == 0, "\(again)")
    #expect(try converted() == ["gpt2"])
    let whole = try Tool.run(
      ["zoo/gpt2", "--recipe", "hedgehog", "-q", "-o", "whole"] + settings, in: bench.folder)
    #expect(whole.status == 0)
    #expect(try bench.bytes("whole") == bench.bytes("out/gpt2\(Self.suffix)"))
  }
}
