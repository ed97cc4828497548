// `hh-convert pack` as a user runs it.

import HHFormat
import HHTestSupport
import Testing

@Suite("hh-convert pack")
struct PackTests {
  let bench: Bench

  init() throws {
    bench = try Bench()
    for arguments in [
      ["models/gpt2", "--stages", "rewrite", "-q", "-o", "gpt2.hst"],
      ["export", "gpt2.hst", "--to", "hf", "-q", "-o", "trained"],
    ] {
      let outcome = try Tool.run(arguments, in: bench.folder)
      try #require(outcome.status == 0, "\(outcome)")
    }
  }

  private func run(_ arguments: String...) throws -> Tool.Outcome {
    try Tool.run(arguments, in: bench.folder)
  }

  @Test("a folder comes back, and every command takes the artifact")
  func roundTrip() throws {
    let packed = try run("pack", "trained", "--base", "gpt2.hst")
    #expect(
      packed.status == 0
        && packed.output.hasPrefix("trained.hedgehog.safetensors.zst: 52 unchanged, "))
    for arguments in [
      ["verify"], ["inspect"], ["generate", "--prompt", "the cat", "--max-tokens", "2"],
      ["eval", "--task", "lm", "--data", "data/corpus.txt", "--rows", "2"],
    ] {
      let outcome = try Tool.run(
        [arguments[0], "trained.hedgehog.safetensors.zst"] + arguments.dropFirst(), in: bench.folder
      )
      #expect(outcome.status == 0, "\(outcome)")
    }
    let again = try run("pack", "trained", "--base", "gpt2.hst")
    #expect(again.status == 73)
    let json = try run("pack", "trained", "--base", "gpt2.hst", "--force", "--json")
    let summary = try parse(try #require(json.lines.last))
    #expect(summary["tensors"]?["unchanged"] == .integer(52) && summary["left_out"] == .array([]))
    let quiet = try run("pack", "trained", "-q", "--force")
    #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty)
  }

  @Test(
    "what cannot be packed is refused by name and leaves nothing",
    arguments: [
      (["models/gpt2"], 69, "found a softmax model"), (["absent"], 66, "absent"),
      (["trained", "--base", "models/gpt2"], 69, "expected the artifact that was exported"),
      (["trained", "-o", "absent/x"], 73, "cannot be created"),
      (["trained", "--threads", "0"], 64, "--threads"),
    ] as [([String], Int32, String)])
  func refusals(_ arguments: [String], _ status: Int32, _ message: String) throws {
    let outcome = try Tool.run(["pack"] + arguments, in: bench.folder)
    #expect(outcome.errors.contains(message) && outcome.status == status, "\(outcome)")
    #expect(try bench.contents == ["gpt2.hst", "trained"])
  }

  @Test("a full disk ends it with 74 and leaves nothing")
  func fullDisk() throws {
    let outcome = try Tool.shell(
      "ulimit -f 100; trap '' XFSZ; $hh pack trained --base gpt2.hst -q -o x.hst", in: bench.folder)
    #expect(outcome.status == 74, "\(outcome)")
    #expect(try bench.contents == ["gpt2.hst", "trained"])
  }
}
