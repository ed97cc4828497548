// Settings of one model in a list of a batch.

import ArgumentParser
import HHFormat
import HHTestSupport
import Testing

@testable import hh_convert

@Suite("settings in lists")
struct ListedSettingsTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private func run(_ arguments: String...) throws -> Tool.Outcome {
    try Tool.run(["batch", "zoo.yaml", "-o", "out"] + arguments, in: bench.folder)
  }

  @Test("each model is converted with its own settings, under the command line's")
  func own() throws {
    try bench.folder.write(
      """
      settings: {stages: rewrite, feature_dim: 8}
      models:
        - models/gpt2
        - {model: models/llama, feature-dim: 12, output: wide.hst, delta: true}
        - {model: models/bert, delta: false}
      """, to: "zoo.yaml")
    let outcome = try run("-q")
    #expect(outcome.status == 0, "\(outcome)")
    for (name, size) in [
      ("gpt2.hedgehog.safetensors.zst", 8), ("wide.hst", 12), ("bert.hedgehog.safetensors.zst", 8),
    ] {
      let manifest = try ArtifactReader(at: bench.folder.path("out/\(name)"), limit: .none).manifest
      #expect(manifest.description.linearAttention?.featureDimension == size, "\(name)")
      #expect((manifest.base != nil) == (size == 12))
    }
    let status = try run("--status")
    #expect(status.status == 0 && status.output.contains("3 models: 3 done"))
    let other = try run("--status", "--feature-dim", "4")
    #expect(other.status == 3 && other.output.contains("3 models: 3 other"))
    let script = try Tool.run("sbatch", "zoo.yaml", "-o", "elsewhere", in: bench.folder)
    #expect(script.status == 0 && script.output.contains("batch zoo.yaml"), "\(script)")
  }

  @Test(
    "what is no setting of one model is refused before any work, by its line",
    arguments: [
      ("stepz: 3", "Unknown option '--stepz'"), ("steps: x", "--steps: expected a whole number"),
      ("threads: 2", "'threads': expected an option of one conversion"),
      ("steps: {x: 1}", "'steps': expected a text, a number"), ("window: 0", "--window: expected"),
    ])
  func refusals(_ setting: String, _ message: String) throws {
    try bench.folder.write(
      "models:\n  - models/gpt2\n  - {model: models/llama, \(setting)}\n", to: "zoo.yaml")
    for more in [[], ["--shard", "1/2"], ["--status"]] {
      let outcome = try Tool.run(["batch", "zoo.yaml", "-o", "out"] + more, in: bench.folder)
      #expect(outcome.errors.contains("zoo.yaml: line 3, models[1]: "), "\(outcome)")
      #expect(outcome.errors.contains(message) && outcome.status == 65, "\(outcome)")
    }
    #expect(try bench.contents == ["zoo.yaml"])
  }
}
