// Conversions that do not come to their end, and outputs that cannot be written.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Convert: interruptions and outputs")
struct InterruptionTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test(
    "a signal ends a conversion with its exit status and leaves nothing",
    arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1],
    [#""event":"step""#, #""event":"sampled""#])
  func signals(_ signal: Int32, mark: String) throws {
    let arguments = ["models/llama", "--steps", "3000", "--length", "32"]
    let outcome = try Tool.run(arguments, in: bench.folder, until: mark, then: signal)
    #expect(outcome.status == 128 + signal)
    #expect(
      outcome.errors == "error: interrupted by signal \(signal): nothing was written\n")
    for line in outcome.lines { _ = try parse(line) }
    #expect(try bench.contents.isEmpty)
  }

  @Test("a signal ends the reading of a long text without a space, before it is read")
  func readingText() throws {
    let letters = [UInt8](repeating: UInt8(ascii: "e"), count: 8 << 20)
    try bench.folder.write(letters, to: "letters.txt")
    let arguments = ["models/gpt2", "--data", "letters.txt", "--length", "32", "-o", "out"]
    let outcome = try Tool.run(arguments, in: bench.folder, until: "reading", then: SIGINT)
    #expect(outcome.status == 128 + SIGINT)
    // None of what follows the reading was reached.
    #expect(!outcome.output.contains("layer 0"))
    #expect(outcome.errors == "error: interrupted by signal 2: nothing was written\n")
    #expect(try bench.contents.filter { $0 != "letters.txt" }.isEmpty)
  }

  @Test(
    "a signal that was ignored from the start, as nohup and shells do, stays ignored",
    arguments: ["HUP", "INT", "TERM", "USR1"])
  func ignored(_ signal: String) throws {
    let outcome = try Tool.shell(
      """
      trap '' \(signal)
      $hh \(Bench.short("gpt2", steps: 100).joined(separator: " ")) -q -o out &
      while kill -\(signal) $! 2>/dev/null; do sleep 0.02; done
      wait $!
      """, in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try bench.contents == ["out"])
  }

  @Test("a killed conversion can be run again")
  func killed() throws {
    let long = Bench.short("gpt2", steps: 3000) + ["-o", "out"]
    let outcome = try Tool.run(
      long, in: bench.folder, until: #""event":"step""#, then: SIGKILL)
    #expect(outcome.status == 128 + SIGKILL)
    #expect(try bench.contents.isEmpty)
    // What a kill during the writing leaves: it is in nobody's way.
    try bench.folder.write("half", to: ".out.1.partial")
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
  }

  @Test("a full disk: exit status 74 and nothing left")
  func fullDisk() throws {
    // 64 blocks of 512 bytes.
    let outcome = try Tool.shell(
      "ulimit -f 64; exec $hh \(Bench.short("gpt2").joined(separator: " ")) -q -o out",
      in: bench.folder)
    #expect(outcome.status == 74)
    expectError(outcome, "error: out: no space left: write failed after ")
    #expect(try bench.contents.isEmpty)
  }

  @Test("a reader that stops reading does not cost the artifact")
  func closedOutput() throws {
    let outcome = try Tool.shell(
      "$hh \(Bench.short("gpt2").joined(separator: " ")) --json -o out | head -1 >/dev/null",
      in: bench.folder)
    #expect(outcome.errors.isEmpty)
    #expect(try bench.contents == ["out"])
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
  }

  @Test(
    "what goes to a standard stream that is closed gets into no artifact",
    arguments: ["", "<&- 2>&-"])
  func closedStreams(_ others: String) throws {
    let outcome = try Tool.shell(
      "$hh models/gpt2 --stages rewrite --json -o out >&- \(others)", in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try bench.contents == ["out"])
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
    let result = try Tool.shell("$hh inspect models/gpt2 >&-", in: bench.folder)
    #expect(result.status == 74)
    expectError(result, "error: standard output: write failed: Bad file descriptor")
  }

  @Test("a result that cannot be printed is an error")
  func fullOutput() throws {
    let outcome = try Tool.shell("$hh inspect models/gpt2 >/dev/full", in: bench.folder)
    #expect(outcome.status == 74)
    expectError(outcome, "error: standard output: write failed: No space left on device")
  }

  @Test("outputs that cannot be: exit status 73")
  func outputs() throws {
    try ModelCopy("gpt2").write(to: "own", in: bench.folder)
    let before = try bench.bytes("own/model.safetensors")
    let cases = [
      ("nowhere/out", "error: nowhere/out: cannot be created: No such file or directory"),
      ("own", "error: own: expected a regular file, found a folder or a device"),
      ("/dev/null", "error: /dev/null: expected a regular file, found a folder or a device"),
      ("", "error: '': expected the name of a file"),
      ("own/model.safetensors", "expected another name than the inputs', found that of"),
      ("own/config.json", "expected another name than the inputs', found that of"),
    ]
    for (output, message) in cases {
      let outcome = try Tool.run("own", "--force", "-o", output, in: bench.folder)
      #expect(outcome.status == 73)
      expectError(outcome, message)
    }
    #expect(try bench.contents == ["own"])
    #expect(try bench.bytes("own/model.safetensors") == before)
  }

  @Test("of two conversions into one output one wins, and the file is whole")
  func race() throws {
    let command = "$hh \(Bench.short("gpt2").joined(separator: " ")) -q -o out"
    let outcome = try Tool.shell(
      "\(command) & first=$!; \(command); second=$?; wait $first; echo $? $second",
      in: bench.folder)
    #expect(["0 73\n", "73 0\n"].contains(outcome.output))
    #expect(outcome.errors.hasPrefix("error: out: the output exists already\n"))
    #expect(try bench.contents == ["out"])
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
  }
}
