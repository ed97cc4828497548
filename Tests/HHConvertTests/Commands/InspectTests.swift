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
      outcome.lines.prefix(6) == [
        "file          models/gpt2", "format        safetensors", "architecture  gpt2",
        "parameters    141,504", "tensors       40, 566.0 kB uncompressed",
        "              F32: 40 tensors, 566.0 kB",
      ])
    #expect(outcome.lines.count == 46)
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

  @Test("what does not exist is no defect")
  func absent() throws {
    #expect(try Tool.run("verify", "nowhere", in: bench.folder).status == 66)
  }
}
