// From an export back to an artifact: what is kept, what is recorded, what is refused.

import HHAnalysis
import HHExport
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHPipeline

@Suite("Packing")
struct PackingTests {
  @Test(
    "an export that nobody trained gives the artifact's tensors, bit for bit",
    arguments: [
      "gpt2-relu-unprefixed", "llama-gqa", "bert-masked-lm", "vit-classifier", "llama-bf16",
    ])
  func untrained(_ model: String) throws {
    let export = try TrainedExport(model)
    let (summary, packed) = try export.packed(export.folder)
    let base = try Checkpoint(opening: export.artifact)
    #expect(packed.tensors.map(\.name) == base.tensors.map(\.name))
    for tensor in base.tensors {
      #expect(packed[tensor.name]?.dtype == tensor.dtype)
      #expect(
        try packed.withBytes(of: tensor.name) { $0.copied() }
          == base.withBytes(of: tensor.name) { $0.copied() })
    }
    #expect(summary.counts["unchanged"] == .integer(base.tensors.count) && summary.leftOut.isEmpty)
    let manifest = try #require(packed.artifact?.manifest)
    let own = try #require(base.artifact?.manifest)
    #expect(manifest.tensors.map(\.origin) == own.tensors.map(\.origin))
    #expect(manifest.description.linearAttention == own.description.linearAttention)
    _ = try Verification(of: summary.output, threads: 1)
    // The artifact leaves again, and comes back again.
    let again = try Artifacts.export(summary.output, .hf, to: export.directory.path("again"))
    #expect(try Checkpoint(opening: again).exportedArtifact == manifest.digest)
  }

  @Test("what was trained is recorded: counts, digests before, sources, claims")
  func record() throws {
    let export = try TrainedExport()
    let folder = try export.trained { $0.nudge("q_proj.weight") }
    let (summary, packed) = try export.packed(folder)
    let layers = 2
    #expect(summary.counts["changed"] == .integer(layers))
    let manifest = try #require(packed.artifact?.manifest)
    let base = try #require(Checkpoint(opening: export.artifact).artifact?.manifest)
    let stage = try #require(manifest.description.stages.last)
    #expect(stage.name == "pack" && stage.qualities["changed"] == .integer(layers))
    let name = "model.layers.0.self_attn.q_proj.weight"
    let before = try #require(base.tensors.first { $0.name == name })
    #expect(stage.qualities["changes"]?[name]?["was"]?.string == before.sha256)
    #expect(manifest.tensors.first { $0.name == name }?.origin == .changed)
    let provenance = manifest.description.provenance
    #expect(provenance.sources.map(\.name) == ["model.safetensors", "config.json", "base.hst"])
    #expect(provenance.recipe["pack"]?["base"]?.string == base.digest)
    let said = try #require(provenance.recipe["pack"]?["said"]?["trainer_state.json"])
    #expect(said == ["global_step": 7, "loss": 2.5])
    #expect(manifest.description.architecture.config["hedgehog"] == nil)
    #expect(manifest.description.architecture.config["auto_map"] == nil)
  }

  @Test("without a base every tensor counts as trained, and the softmax model is not given out")
  func withoutBase() throws {
    let export = try TrainedExport()
    let (_, packed) = try export.packed(export.folder, base: false)
    let origins = Set(
      packed.artifact?.manifest.tensors.filter { $0.origin.isModel }.map(\.origin) ?? [])
    #expect(origins == [.changed, .new])
    #expect(try ConvertedModel(opening: export.directory.path("packed.hst")).manifest != nil)
  }

  @Test("outputs are not written over, nor over inputs, and nothing is left of what fails")
  func outputs() throws {
    let export = try TrainedExport()
    var options = export.options(export.folder)
    options.output = export.artifact
    #expect(throws: FormatError.self) { try Packing(options) }
    options.force = false
    #expect(throws: FormatError.self) { try Packing(options) }
    let broken = try export.trained { copy in
      copy.change("model.norm.weight") { $0.bytes.replaceSubrange(0..<4, with: [0, 0, 192, 127]) }
    }
    let error = try #require(export.refusal(broken))
    #expect(error.problem.contains("finite") && error.place.contains("model.norm.weight"))
    #expect(try !directoryEntries(of: export.directory.path).contains { $0.contains("packed") })
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try Packing(export.options(export.folder)).run { _ in throw Stop() }
    }
    #expect(try !directoryEntries(of: export.directory.path).contains { $0.contains("packed") })
  }
}
