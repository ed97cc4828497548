// What is no folder to pack, and what is no base for it.

import HHFormat
import HHTestSupport
import HHTraining
import ModelTestSupport
import Testing

@testable import HHPipeline

@Suite("TrainedFolder")
struct TrainedFolderTests {
  private let export: TrainedExport

  init() throws { export = try TrainedExport() }

  @Test("a configuration that contradicts the weights is refused by its key")
  func contradiction() throws {
    let wide = try export.trained { $0.configuration["intermediate_size"] = 999 }
    #expect(try #require(export.refusal(wide, base: false)).description.contains("999"))
    let less = try export.trained { copy in
      copy.tensors.removeAll { $0.name.contains("layers.0.self_attn.feature_map") }
    }
    #expect(try #require(export.refusal(less)).problem.hasPrefix("missing"))
    let other = try export.trained { copy in
      var settings = copy.configuration["hedgehog"]?.object ?? [:]
      settings["window"] = 4
      copy.configuration["hedgehog"] = .object(settings)
    }
    #expect(export.refusal(other) != nil)
  }

  @Test("a head that is called tied and is not is refused")
  func ties() throws {
    let export = try TrainedExport("llama-mha")
    let folder = try export.trained { copy in
      copy.configuration["tie_word_embeddings"] = true
      copy.nudge("lm_head.weight")
    }
    let error = export.refusal(folder, base: false)
    #expect(error?.problem.contains("tie_word_embeddings") == true)
  }

  @Test("a base of other sizes, of another architecture or with other weights is refused by name")
  func otherBase() throws {
    for (model, place) in [
      ("gpt2-base", "key 'model_type'"), ("llama-mha", "key '"),
    ] {
      let other = try TrainedExport(model)
      var options = export.options(export.folder)
      options.base = other.artifact
      let error = #expect(throws: FormatError.self) { try Packing(options) }
      #expect(error?.place.hasPrefix(place) == true && error?.problem.contains("base.hst") == true)
    }
    // The same sizes, and other weights: the folder says which artifact it was exported from.
    try Artifacts.write("llama-gqa", to: export.artifact)
    let error = try #require(export.refusal(export.folder))
    #expect(error.place == "key 'hedgehog.artifact'")
    let silent = try export.trained { copy in
      var settings = copy.configuration["hedgehog"]?.object ?? [:]
      settings["artifact"] = nil
      copy.configuration["hedgehog"] = .object(settings)
    }
    var warnings: [String] = []
    let packing = try Packing(export.options(silent))
    _ = try packing.run { event in
      if case .warning(let text) = event {
        warnings.append(text.description)
      }
    }
    #expect(warnings.count == 1 && warnings[0].contains("does not say which artifact"))
  }

  @Test("softmax models, artifacts, and bases that are none are refused")
  func kinds() throws {
    let softmax = Fixtures.path("models/gpt2")
    #expect(export.refusal(softmax)?.problem.hasSuffix("found a softmax model") == true)
    #expect(export.refusal(export.artifact)?.problem.hasSuffix("found artifact") == true)
    var options = export.options(export.folder)
    options.base = softmax
    #expect(throws: FormatError.self) { try Packing(options) }
    options.base = export.folder
    #expect(throws: FormatError.self) { try Packing(options) }
  }

  @Test("an adapter needs its base, and what is not plain LoRA is refused by name")
  func adapters() throws {
    try export.directory.write(
      #"{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "use_dora": true}"#,
      to: "adapter/adapter_config.json")
    let folder = export.directory.path("adapter")
    #expect(export.refusal(folder, base: false)?.place == "key 'use_dora'")
    #expect(export.refusal(folder)?.place == "key 'use_dora'")
    try export.directory.write(
      #"{"peft_type": "LORA", "r": 2, "lora_alpha": 4}"#, to: "adapter/adapter_config.json")
    #expect(export.refusal(folder, base: false)?.kind == .missingInput)
  }
}
