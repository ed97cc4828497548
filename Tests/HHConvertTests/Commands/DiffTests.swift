// Comparing two files as a user does.

import HHFormat
import HHTestSupport
import Testing

@Suite("Diff")
struct DiffTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a model and its artifact's own file: exit status 0")
  func equal() throws {
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    for pair in [["models/gpt2", "models/gpt2/model.safetensors"], ["out", "out"]] {
      let outcome = try Tool.run(["diff"] + pair, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.hasPrefix("equal: "))
      #expect(outcome.errors.isEmpty)
    }
  }

  @Test("a delta is compared with its base put in, and says when it needs one")
  func delta() throws {
    let arguments = Bench.short("llama", steps: 0) + ["-q"]
    #expect(try Tool.run(arguments + ["-o", "whole"], in: bench.folder).status == 0)
    #expect(try Tool.run(arguments + ["-o", "delta", "--delta"], in: bench.folder).status == 0)
    let base = ["--base", "models/llama"]
    let outcome = try Tool.run(["diff", "whole", "delta"] + base, in: bench.folder)
    #expect(outcome.status == 0 && outcome.output.hasPrefix("equal: "), "\(outcome)")
    let lacking = try Tool.run("diff", "whole", "delta", in: bench.folder)
    #expect(lacking.status == 66)
    expectError(lacking, "hint: pass it with --base")
    let needless = try Tool.run(["diff", "whole", "whole"] + base, in: bench.folder)
    #expect(needless.status == 69)
    expectError(needless, "expected a delta to complete with this base, found none")
  }

  @Test("a difference: exit status 3, named on standard output")
  func different() throws {
    var model = try ModelCopy("gpt2")
    model.change("transformer.ln_f.bias") { $0.bytes[3] ^= 0x80 }
    try model.write(to: "odd", in: bench.folder)
    let text = try Tool.run("diff", "models/gpt2", "odd", in: bench.folder)
    #expect(text.status == 3)
    #expect(text.errors.isEmpty)
    #expect(text.lines.count == 2)
    #expect(
      text.output.hasPrefix("transformer.ln_f.bias: F32 [64]: 1 of 64 values differ, max abs "))
    #expect(text.lines.last == "different: 40 tensors: 39 equal, 1 with other values")
    let quiet = try Tool.run("diff", "-q", "models/gpt2", "odd", in: bench.folder)
    #expect(quiet.status == 3 && quiet.output.isEmpty && quiet.errors.isEmpty)
    let close = try Tool.run("diff", "models/gpt2", "odd", "--atol", "10", in: bench.folder)
    #expect(close.status == 0)
    #expect(
      close.lines.last == "equal within atol 10.0, rtol 0: 40 tensors, 39 of them bit for bit")
  }

  @Test("--json prints one object")
  func json() throws {
    var model = try ModelCopy("gpt2")
    model.change("transformer.ln_f.bias") { $0.bytes[3] ^= 0x80 }
    model.configuration["layer_norm_epsilon"] = .number(0.5)
    try model.write(to: "odd", in: bench.folder)
    let outcome = try Tool.run("diff", "models/gpt2", "odd", "--json", in: bench.folder)
    #expect(outcome.status == 3)
    #expect(outcome.lines.count == 1)
    let report = try parse(outcome.output)
    #expect(report["equal"]?.bool == false)
    #expect(report["tensors"]?.integer == 40)
    #expect(report["identical"]?.integer == 39)
    #expect(report["settings"]?.array?.first?["name"]?.string == "normEpsilon")
    let difference = try #require(report["differences"]?.array?.first)
    #expect(difference["name"]?.string == "transformer.ln_f.bias")
    #expect(difference["kind"]?.string == "values")
    #expect(difference["max_abs"]?["index"]?.array == [.integer(0)])
  }

  @Test("files that cannot be compared")
  func errors() throws {
    let absent = try Tool.run("diff", "models/gpt2", "nowhere", in: bench.folder)
    #expect(absent.status == 66)
    expectError(absent, "error: nowhere: cannot be opened")
    let text = try Tool.run("diff", "data/corpus.txt", "models/gpt2", in: bench.folder)
    #expect(text.status == 65)
    expectError(text, "not a checkpoint: expected safetensors, found text")
    for (arguments, message) in [
      (["--atol", "-1"], "--atol: expected a number of at least 0, found -1.0"),
      (["--rtol", "nan"], "--rtol: expected a number of at least 0, found nan"),
      (["--json", "-q"], "--quiet and --json exclude each other"),
    ] {
      let outcome = try Tool.run(
        ["diff", "models/gpt2", "models/gpt2"] + arguments, in: bench.folder)
      #expect(outcome.status == 64)
      expectError(outcome, message)
    }
  }
}
