// Job arrays, run by bash as a task of Slurm would be.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Sbatch")
struct SbatchTests {
  let bench: Bench
  private static let options = [
    "zoo", "-o", "it's out", "--steps", "2", "--batch", "2", "--length", "16",
  ]

  init() throws {
    bench = try Bench()
    for model in ["gpt2", "llama"] {
      try bench.folder.link("zoo/\(model)", to: Fixtures.path("models/\(model)"))
    }
  }

  private func script(_ options: [String] = Self.options) throws -> String {
    let outcome = try Tool.run(["sbatch"] + options, in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    return outcome.output
  }

  /// Runs a command with no signal blocked, as they are in the threads of tests.
  private static let hearing =
    "perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new()); exec @ARGV'"

  /// Runs a task of the array in the file `zoo.sh`, with an `scontrol` that writes down its arguments.
  private func task(_ number: Int, before: String = "", after: String = "") throws -> Tool.Outcome {
    try bench.folder.write("#!/bin/sh\necho \"$@\" >> requeued\n", to: "bin/scontrol")
    return try Tool.shell(
      """
      chmod +x bin/scontrol; export PATH=$PWD/bin:$PATH SLURM_ARRAY_JOB_ID=5 SLURM_CPUS_PER_TASK=1
      export SLURM_ARRAY_TASK_ID=\(number); \(before)
      \(Self.hearing) bash zoo.sh & task=$!
      \(after)
      wait $task
      """, in: bench.folder)
  }

  @Test("the array's tasks convert what is left, each a part, and nothing is left then")
  func array() throws {
    let text = try script()
    #expect(text.hasPrefix("#!/bin/bash\n#SBATCH --job-name=hh-convert\n#SBATCH --array=1-2\n"))
    #expect(text.split(separator: "\n").count < 25)
    try bench.folder.write(text, to: "zoo.sh")
    let second = try task(2)
    #expect(second.status == 0, "\(second)")
    #expect(
      try directoryEntries(of: bench.folder.path("it's out")) == ["llama.hedgehog.safetensors.zst"])
    #expect(try script().contains("#SBATCH --array=1\n"))
    let first = try task(1)
    #expect(first.status == 0, "\(first)")
    #expect(try directoryEntries(of: bench.folder.path("it's out")).count == 2)
    let nothing = try Tool.run(["sbatch"] + Self.options, in: bench.folder)
    #expect(nothing.status == 0 && nothing.output.isEmpty)
    #expect(nothing.errors == "all 2 models are converted already\n")
  }

  @Test(
    "a task that is warned before its end is queued again, but not for ever",
    arguments: [("USR1", 0), ("TERM", 0), ("USR1", 5)])
  func requeued(signal: String, restarts: Int) throws {
    let options = ["zoo/gpt2", "-o", "out", "--steps", "3000", "--batch", "2", "--length", "16"]
    try bench.folder.write(try script(options), to: "zoo.sh")
    let checkpoint = "out/gpt2.hedgehog.safetensors.zst.run/recipe.yaml"
    let stopped = try task(
      1, before: "export SLURM_RESTART_COUNT=\(restarts)",
      after: """
        for _ in $(seq 1200); do [ -e \(checkpoint) ] && break; sleep 0.05; done
        kill -\(signal) $task
        """)
    #expect(stopped.status == 75, "\(stopped)")
    #expect(try bench.contents.contains("requeued") == (restarts < 5))
    guard restarts == 0 else { return }
    #expect(try bench.bytes("requeued") == Data("requeue 5_1\n".utf8))
    #expect(stopped.errors.contains("error: interrupted by signal 10: 0 of 1 models are converted"))
  }

  @Test("what cannot be planned is an error only where nothing can be")
  func failures() throws {
    try bench.folder.write("no tensors", to: "bad/a.safetensors")
    let alone = try Tool.run("sbatch", "bad", in: bench.folder)
    #expect(alone.status == 65)
    expectError(alone, "bad/a.safetensors: ")
    #expect(try script(["bad", "zoo", "--length", "16"]).contains("#SBATCH --array=1-3\n"))
  }
}
