// What a manifest's stages tell.

import HHAnalysis
import HHFormat
import ModelTestSupport
import Testing

@testable import HHPipeline

@Suite("StageRecords")
struct StageRecordsTests {
  private func records(
    _ stages: [ArtifactDescription.Stage], softmax: [Int] = []
  ) -> StageRecords {
    var attention = Artifacts.linearAttention(size: 4)
    attention = LinearAttentionDescription(
      kind: attention.kind, featureDimension: 4, bias: true, sharing: attention.sharing,
      epsilon: 0, epsilonPlacement: attention.epsilonPlacement, softmaxLayers: softmax)
    return StageRecords(
      ArtifactDescription(
        producer: .init(name: "p", version: "0"), architecture: .init(name: "gpt2", config: [:]),
        linearAttention: attention,
        provenance: Provenance(sources: [], recipe: [:], seed: 0), stages: stages))
  }

  @Test("layers that kept softmax have no place among those that were distilled")
  func layers() {
    let found = records(
      [
        .init(
          name: "distil", losses: ["kl_before": .number(1), "kl_after": .number(0.5)],
          qualities: [
            "kl_per_layer": .array([.number(0.25), .null]),
            "kl_per_head": .array([.array([.number(0.125)])]),
          ]),
        .init(
          name: "finetune", losses: ["loss_before": .number(2), "loss_after": .integer(1)],
          qualities: ["objective": .string("hidden")]),
      ], softmax: [0, 2])
    #expect(found.layers.map(\.layer) == [1, 3])
    #expect(found.layers.map(\.heads) == [[0.125], []])
    #expect(found.layers[0].after == 0.25 && found.layers[1].after.isNaN)
    #expect(found.stages.map(\.loss) == ["mean KL, nats", "hidden"])
    #expect(found.stages.map(\.after) == [0.5, 1])
  }

  @Test("measurements come after the stage before them")
  func evaluations() {
    let measured = ArtifactDescription.Stage(
      name: "evaluate", qualities: ["task": .string("lm"), "perplexity": .number(2)])
    let found = records([measured, .init(name: "distil"), measured])
    #expect(found.evaluations.map(\.after) == ["", "distil"])
    #expect(records([]).stages.isEmpty)
  }

  @Test("settings inside of others have both names")
  func facts() throws {
    let json = try JSONValue(
      parsing: Array(#"{"a":1,"b":{"c":"x","d":null},"e":[1,2],"f":[{"stage":"s","g":true}]}"#.utf8)
    )
    #expect(
      json.facts == [
        Fact("a", "1"), Fact("b.c", "x"), Fact("e", "[1,2]"), Fact("s.g", "true"),
      ])
  }
}
