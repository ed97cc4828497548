// Which tensors count as changed, and under which names they are stored.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHPipeline

@Suite("PackedTensors")
struct PackedTensorsTests {
  private func counts(_ summary: PackingSummary) -> [Int] {
    ["unchanged", "rounded", "changed", "added"].map { summary.counts[$0]?.integer ?? -1 }
  }

  @Test("values in a narrower type are rounded, in a wider one unchanged")
  func types() throws {
    let export = try TrainedExport()
    let total = try Checkpoint(opening: export.artifact).tensors.count
    let narrow = try export.trained { copy in
      copy.change("model.norm.weight") { tensor in
        tensor.dtype = .bf16
        tensor.bytes = stride(from: 0, to: tensor.bytes.count, by: 4).flatMap { index in
          let value = tensor.bytes[index..<index + 4].reversed().reduce(UInt32(0)) {
            $0 << 8 | UInt32($1)
          }
          return DType.bf16.store([Float(bitPattern: value)].span) ?? []
        }
      }
    }
    let (summary, packed) = try export.packed(narrow)
    #expect(counts(summary)[0] == total - 1)
    #expect(
      counts(summary)[1] + counts(summary)[0] == total
        && packed["model.norm.weight"]?.dtype == .bf16)
    // The base is narrow, the training was not.
    let half = try TrainedExport("llama-bf16")
    let wide = try half.trained { copy in
      for index in copy.tensors.indices where copy.tensors[index].dtype == .bf16 {
        copy.tensors[index].dtype = .f32
        copy.tensors[index].bytes = stride(from: 0, to: copy.tensors[index].bytes.count, by: 2)
          .flatMap { [0, 0] + copy.tensors[index].bytes[$0..<$0 + 2] }
      }
      copy.nudge("layers.0.mlp.down_proj.weight")
    }
    let (second, result) = try half.packed(wide)
    #expect(counts(second)[2] == 1)
    #expect(result["model.layers.0.mlp.down_proj.weight"]?.dtype == .f32)
    #expect(result["model.layers.0.mlp.up_proj.weight"]?.dtype == .bf16)
  }

  @Test("names with what training programs put before them come back as the base's")
  func wrapped() throws {
    let export = try TrainedExport("gpt2-relu-unprefixed")
    let folder = try export.trained { copy in
      for index in copy.tensors.indices {
        copy.tensors[index].name = "module." + copy.tensors[index].name
      }
      copy.nudge("h.0.attn.feature_map.query.weight")
    }
    let (summary, packed) = try export.packed(folder)
    #expect(
      packed.tensors.map(\.name) == (try Checkpoint(opening: export.artifact)).tensors.map(\.name))
    #expect(counts(summary)[2] <= 1 && counts(summary)[3] == 0)
  }

  @Test("a new head is added, and the old one left out")
  func heads() throws {
    let export = try TrainedExport("bert-masked-lm")
    let folder = try export.trained { copy in
      copy.tensors.removeAll { $0.name.hasPrefix("cls.") }
      copy.add("classifier.weight", shape: [2, 32])
      copy.add("classifier.bias", shape: [2])
      copy.configuration["architectures"] = ["HedgehogBertForSequenceClassification"]
    }
    if let error = export.refusal(folder) {
      // Its body has no pooler in front of the classifier.
      #expect(error.description.contains("pooler") || error.description.contains("classifier"))
    }
  }
}
