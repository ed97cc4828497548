// What inspect and verify say of checkpoints and artifacts.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("Inspect")
struct InspectTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a checkpoint: architecture, sizes, and every tensor in its role")
  func checkpoint() throws {
    let outcome = try Tool.run("inspect", "models/gpt2", in: bench.folder)
    #expect(outcome.status == 0)
    #expect(
      outcome.lines.prefix(9).dropFirst() == [
        "format        safetensors", "architecture  gpt2",
        "layers        3, 64 wide, 4 heads of 16",
        "context       128 positions", "vocabulary    512 tokens",
        "parameters    141,504", "tensors       40, 566.0 kB uncompressed",
        "              F32: 40 tensors, 566.0 kB",
      ])
    #expect(outcome.lines.first?.hasPrefix("file          models/gpt2, 569.8 kB") == true)
    #expect(outcome.lines.count == 25)
    let all = try Tool.run("inspect", "models/gpt2", "--all", in: bench.folder)
    #expect(all.lines.count == 49)
    #expect(
      outcome.lines.contains { line in
        line.hasPrefix("transformer.wte.weight ") && line.hasSuffix("  embedding.token.weight")
      })
  }

  @Test("an artifact as JSON: its manifest and its tensors")
  func artifact() throws {
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    let outcome = try Tool.run("inspect", "--json", "out", in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.lines.count == 1)
    let report = try parse(try #require(outcome.lines.first))
    #expect(report["format"]?.string == "artifact")
    #expect(report["architecture"]?.string == "gpt2")
    #expect(report["tensors"]?.array?.count == 52)
    #expect(report["manifest"]?["featureMap"]?["kind"]?.string == "hedgehog-softmax-split")
    let text = try Tool.run("inspect", "out", in: bench.folder)
    #expect(text.lines.contains { $0.hasPrefix("feature map   hedgehog-softmax-split, 16") })
  }

  @Test("a checkpoint that would not be converted, and why")
  func obstacle() throws {
    var model = try ModelCopy("gpt2")
    model.add("extra")
    try model.write(to: "odd", in: bench.folder)
    let text = try Tool.run("inspect", "odd", in: bench.folder)
    #expect(text.status == 0)
    #expect(text.lines.contains { $0.hasPrefix("note          not convertible as it is: odd: ") })
    let outcome = try Tool.run("inspect", "--json", "odd", in: bench.folder)
    let report = try parse(try #require(outcome.lines.first))
    #expect(report["architecture"] == .null)
    #expect(try #require(report["obstacle"]?.string).contains("'extra'"))
  }

  @Test("files that are neither")
  func refuses() throws {
    let absent = try Tool.run("inspect", "nowhere", in: bench.folder)
    #expect(absent.status == 66)
    expectError(absent, "error: nowhere: cannot be opened")
    let text = try Tool.run("inspect", "data/corpus.txt", in: bench.folder)
    #expect(text.status == 65)
    expectError(text, "not a checkpoint: expected safetensors, found text")
  }
}

@Suite("Verify")
struct VerifyTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a sound checkpoint and a sound artifact")
  func sound() throws {
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    for (path, tensors) in [("models/gpt2", 40), ("out", 52)] {
      let text = try Tool.run("verify", path, in: bench.folder)
      #expect(text.status == 0)
      #expect(text.output.hasPrefix("\(path): sound: \(tensors) tensors, "))
      let quiet = try Tool.run("verify", "-q", path, in: bench.folder)
      #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty)
      let json = try Tool.run("verify", "--json", path, in: bench.folder)
      let report = try parse(try #require(json.lines.first))
      #expect(report["sound"]?.bool == true)
      #expect(report["tensors"]?.integer == tensors)
    }
  }

  @Test("a flipped byte and a lost end are found: exit status 3")
  func broken() throws {
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    let bytes = try [UInt8](bench.bytes("out"))
    var flipped = bytes
    flipped[bytes.count / 2] ^= 0x10
    try bench.folder.write(flipped, to: "flipped")
    try bench.folder.write(Array(bytes.dropLast(100)), to: "cut")
    for path in ["flipped", "cut"] {
      let outcome = try Tool.run("verify", path, in: bench.folder)
      #expect(outcome.status == 3)
      expectError(outcome, "error: \(path): ")
      let json = try Tool.run("verify", "--json", path, in: bench.folder)
      #expect(json.status == 3)
      #expect(try parse(try #require(json.lines.first))["sound"]?.bool == false)
    }
  }

  @Test("a checkpoint with a weight that is not finite: exit status 3")
  func nonfinite() throws {
    var model = try ModelCopy("gpt2")
    model.change("transformer.wte.weight") {
      $0.bytes.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
    }
    try model.write(to: "odd", in: bench.folder)
    let outcome = try Tool.run("verify", "odd", in: bench.folder)
    #expect(outcome.status == 3)
    expectError(outcome, "expected finite weights, found one that is not at element 0")
  }

  @Test("the name of a model that the Hugging Face cache holds: verify, inspect and diff")
  func cachedModel() throws {
    try bench.folder.link(
      "hub/models--org--model/snapshots/abc", to: Fixtures.path("models/gpt2"))
    for (command, expected) in [
      ("verify org/model", "org/model: sound: 40 tensors"),
      ("inspect org/model", "file          org/model, 569.8 kB\n"),
      ("diff org/model models/gpt2", "equal: "), ("diff models/gpt2 org/model", "equal: "),
    ] {
      let outcome = try Tool.shell("HF_HUB_CACHE=hub $hh \(command)", in: bench.folder)
      #expect(outcome.status == 0 && outcome.output.hasPrefix(expected), "\(outcome)")
    }
    let absent = try Tool.shell("HF_HUB_CACHE=hub $hh verify org/other", in: bench.folder)
    #expect(absent.status == 66)
    expectError(absent, "hint: if it is a model on the Hugging Face hub")
  }

  @Test("what zstd -d makes of an artifact is one too, but for what only frames have")
  func decompressed() throws {
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    let plain = "plain/model.safetensors"
    let unpacked = try Tool.shell("mkdir plain && zstd -q -d < out > \(plain)", in: bench.folder)
    try #require(unpacked.status == 0)
    for path in [plain, "plain"] {
      let outcome = try Tool.run("verify", path, in: bench.folder)
      #expect(
        outcome.output.hasPrefix("\(plain): sound: 52 tensors, ")
          && outcome.output.contains("digests of tensors")
          && outcome.output.contains("; not checked: the bytes of the header"), "\(outcome)")
    }
    let shown = try Tool.run("inspect", plain, in: bench.folder).lines
    #expect(try shown.dropFirst() == Tool.run("inspect", "out", in: bench.folder).lines.dropFirst())
    #expect(try Tool.run("diff", "out", plain, in: bench.folder).output.hasPrefix("equal: "))
    let prompt = ["--prompt", "The fox", "--max-tokens", "8"]
    #expect(
      try Tool.run(["generate", plain] + prompt, in: bench.folder).output
        == Tool.run(["generate", "out"] + prompt, in: bench.folder).output)
    let data = ["--task", "lm", "--data", "data/corpus.txt", "--length", "32", "--rows", "4"]
    let scored = try Tool.run(["eval", plain] + data, in: bench.folder)
    #expect(scored.status == 0, "\(scored)")
    for (path, output) in [("out", "a.gguf"), (plain, "b.gguf")] {
      let outcome = try Tool.run(
        "export", path, "--to", "gguf", "-q", "-o", output, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
    }
    let compared = try Tool.run("diff", "a.gguf", "b.gguf", in: bench.folder)
    #expect(compared.output.hasPrefix("equal: "), "\(compared)")
    var damaged = try [UInt8](bench.bytes(plain))
    damaged[damaged.count / 2] ^= 1
    try bench.folder.write(damaged, to: "damaged")
    let outcome = try Tool.run("verify", "damaged", in: bench.folder)
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains(": expected SHA-256 "), "\(outcome)")
    let again = try Tool.run(plain, "--stages", "rewrite", "-o", "again", in: bench.folder)
    #expect(again.status == 64)
    expectError(again, "--stages: expected stages that train an artifact further, found none")
  }

  @Test("what does not exist is no defect")
  func absent() throws {
    #expect(try Tool.run("verify", "nowhere", in: bench.folder).status == 66)
  }
}
