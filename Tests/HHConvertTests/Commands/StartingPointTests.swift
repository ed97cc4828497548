// Conversions that go on from the artifact of an earlier one.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("Conversions that begin with an artifact")
struct StartingPointTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// Converts a fixture to the artifact `a`.
  private func begin(_ model: String, _ extra: [String] = []) throws {
    let outcome = try Tool.run(Bench.short(model) + extra + ["-q", "-o", "a"], in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  private func tensors(_ name: String) throws -> [ArtifactManifest.Tensor] {
    try ArtifactReader(at: bench.folder.path(name)).manifest.tensors
  }

  private func stages(_ name: String) throws -> [String] {
    try ArtifactReader(at: bench.folder.path(name)).manifest.description.stages.map(\.name)
  }

  @Test(
    "feature maps are trained further, by finetuning or by more distillation, and nothing else is",
    arguments: [
      (
        ["--finetune-steps", "12", "--finetune-parameters", "feature-maps"],
        ["distil", "evaluate", "finetune", "evaluate"]
      ), (["--steps", "6"], ["distil", "evaluate", "distil", "evaluate"]),
    ])
  func goesOn(_ arguments: [String], _ expected: [String]) throws {
    try begin("llama", ["--window", "4"])
    let before = try bench.bytes("a")
    let outcome = try Tool.run(
      ["a", "--data", "data/corpus.txt", "--length", "64", "-o", "b", "--json"] + arguments,
      in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try bench.bytes("a") == before)
    let (a, b) = (try tensors("a"), try tensors("b"))
    #expect(a.map(\.name) == b.map(\.name))
    for (old, new) in zip(a, b) where old.origin == .kept {
      #expect(old.sha256 == new.sha256, "\(old.name)")
    }
    for (old, new) in zip(a, b) where old.origin == .new {
      #expect(old.sha256 != new.sha256, "\(old.name)")
    }
    #expect(try stages("b") == expected)
    for name in ["a", "b"] {
      let export = try Tool.run(
        "export", name, "--to", "hf", "--softmax", "-q", "-o", "softmax-\(name)", in: bench.folder)
      #expect(export.status == 0, "\(export.errors)")
    }
    let same = try Tool.run("diff", "softmax-a", "softmax-b", in: bench.folder)
    #expect(same.status == 0, "\(same.output)")
  }

  @Test("the first measurement of layers that are distilled further is the last of before")
  func firstMeasurement() throws {
    func layers(_ arguments: [String]) throws -> [JSONValue] {
      let outcome = try Tool.run(arguments + ["--json"], in: bench.folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try outcome.lines.map { try JSONValue(parsing: Array($0.utf8)) }
        .filter { $0["event"]?.string == "layer" }
    }
    let before = try layers(Bench.short("gpt2") + ["-o", "a"])
    let after = try layers([
      "a", "--data", "data/corpus.txt", "--length", "32", "--batch", "4", "--steps", "4", "-o", "b",
    ])
    #expect(before.count == after.count && !before.isEmpty)
    for (old, new) in zip(before, after) {
      let (reached, begun) = (
        try #require(old["kl_after"]?.double), try #require(new["kl_before"]?.double)
      )
      #expect(abs(reached - begun) <= 1e-6 * max(1, reached))
    }
  }

  @Test("layers are chosen for an artifact as the conversion itself would have chosen them")
  func choosesLayers() throws {
    try begin("llama", ["--window", "4"])
    let chosen = try Tool.run(
      "a", "--data", "data/corpus.txt", "--length", "32", "--keep-softmax", "auto:1", "-q", "-o",
      "b", in: bench.folder)
    #expect(chosen.status == 0, "\(chosen.errors)")
    let layers = try ArtifactReader(at: bench.folder.path("b")).manifest.description
      .linearAttention?.softmaxLayers
    #expect(layers?.count == 1)
    let left = Set(try tensors("b").map(\.sha256))
    #expect(left.isSubset(of: try tensors("a").map(\.sha256)))
    #expect(try tensors("b").count < tensors("a").count)
  }

  @Test("a run from an artifact goes on after its last checkpoint to the same bytes")
  func resumes() throws {
    try begin("llama", ["--window", "4"])
    let arguments = [
      "a", "--data", "data/corpus.txt", "--length", "32", "--finetune-steps", "12",
    ]
    let whole = try Tool.run(arguments + ["-q", "-o", "whole"], in: bench.folder)
    #expect(whole.status == 0, "\(whole.errors)")
    let run = ["--run", "run", "-o", "parts", "-q"]
    #expect(try Tool.run(arguments + run, in: bench.folder).status == 0)
    try FileManager.default.removeItem(atPath: bench.folder.path("parts"))
    let again = try Tool.run("resume", "run", "-q", in: bench.folder)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try tensors("whole").map(\.sha256) == tensors("parts").map(\.sha256))
  }

  @Test(
    "what an artifact cannot begin is refused by name before any work",
    arguments: [
      ([], "--finetune-steps: expected some to train the artifact further, found none"),
      (["--stages", "rewrite"], "--stages: expected stages that train an artifact further"),
      (["--window", "8", "--steps", "2"], "--window: expected what 'a' was rewritten with"),
      (["--delta", "--steps", "2"], "--delta: expected a softmax model to leave tensors to"),
      (["--steps", "2", "--force", "-o", "a"], "expected another name than the"),
    ])
  func refused(_ arguments: [String], _ message: String) throws {
    try begin("llama", ["--window", "4"])
    let before = try bench.bytes("a")
    let outcome = try Tool.run(["a", "-o", "out"] + arguments, in: bench.folder)
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(try bench.contents == ["a"])
    #expect(try bench.bytes("a") == before)
  }

  @Test("an artifact whose weights were trained has no teacher in it, and says so")
  func trainedWeights() throws {
    try begin("llama", ["--finetune-steps", "10"])
    let outcome = try Tool.run("a", "--steps", "2", "-o", "b", in: bench.folder)
    #expect(outcome.status == 69)
    #expect(
      outcome.errors.contains(
        "expected the weights of the softmax model, which is the teacher, found trained ones"))
    #expect(try bench.contents == ["a"])
  }
}
