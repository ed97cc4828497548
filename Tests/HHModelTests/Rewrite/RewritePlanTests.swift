// What a rewrite plans, what it changes and what it leaves alone.

import HHCompute
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("RewritePlan")
struct RewritePlanTests {
  @Test(
    "every attention becomes Hedgehog attention, and nothing else changes", arguments: Models.golden
  )
  func pure(_ name: String) throws {
    let graph = try Graph(Models.names(name))
    let before = graph
    let (rewritten, plan) = graph.rewritten()
    #expect(graph == before)
    #expect(plan.blocks.map(\.layer) == Array(0..<graph.layerCount))
    #expect(rewritten.nodes.count == graph.nodes.count)
    for (old, new) in zip(graph.nodes, rewritten.nodes) {
      guard case .attention(var attention) = new.operation else {
        #expect(old == new)
        continue
      }
      let layer = try #require(new.layer)
      let map = LinearAttentionLayer(
        layer: layer, headSize: attention.headSize, maximumLength: graph.maximumLength)
      #expect(attention.mechanism == .linear(map))
      attention.mechanism = .softmax
      var restored = new
      restored.operation = .attention(attention)
      #expect(old == restored)
    }
  }

  @Test("rewriting again changes nothing more", arguments: ["gpt2-base", "llama-gqa", "vit-model"])
  func idempotent(_ name: String) throws {
    let once = try Graph(Models.names(name)).rewritten().graph
    let (twice, plan) = once.rewritten()
    #expect(twice == once)
    #expect(plan.blocks.isEmpty && plan.newParameterCount == 0 && plan.stateCount == 0)
  }

  @Test("features drop rotary positions beside a window, unless told otherwise")
  func positions() throws {
    let graph = try Graph(Models.names("llama-gqa"))
    func dropped(
      window: Int?, _ positions: LinearAttentionDescription.Positions? = nil
    ) -> [Rotary?] {
      var settings = LinearAttentionSettings()
      (settings.window, settings.positions) = (window, positions)
      return graph.rewritten(settings).plan.blocks.map(\.map.dropped)
    }
    let rotary = graph.attentions.map(\.rotary)
    #expect(rotary.allSatisfy { $0 != nil })
    #expect(dropped(window: 4) == rotary && dropped(window: nil, .dropped) == rotary)
    #expect((dropped(window: nil) + dropped(window: 4, .kept)).allSatisfy { $0 == nil })
  }

  @Test("what is not there cannot be dropped", arguments: ["gpt2-base", "bert-masked-lm"])
  func noPositions(_ name: String) throws {
    var settings = LinearAttentionSettings()
    settings.positions = .dropped
    let problem = try Graph(Models.names(name)).problem(with: settings)
    #expect(problem?.setting.key == "feature_map.positions")
    #expect(
      problem?.problem == "expected a model with rotary positions to drop, found another")
    settings.positions = .kept
    #expect(try Graph(Models.names(name)).problem(with: settings) == nil)
  }

  @Test("parameters and state are counted per head")
  func counts() throws {
    let plan = try Graph(Models.names("llama-mqa-head-dim")).rewritten().plan
    #expect(plan.blocks.count == 2)
    for block in plan.blocks {
      // Three query maps and one key map, W of 10 × 10 and b of 10 each.
      #expect(block.parameterCount == 4 * (100 + 10))
      // S of 20 × 10 and z of 20 for one key/value head.
      #expect(block.stateCount == 20 * 10 + 20)
      #expect(
        block.tensors.map(\.name) == [
          "layers.\(block.layer).attention.feature_map.query.weight",
          "layers.\(block.layer).attention.feature_map.query.bias",
          "layers.\(block.layer).attention.feature_map.key.weight",
          "layers.\(block.layer).attention.feature_map.key.bias",
        ])
      #expect(block.tensors.map(\.shape) == [[3, 10, 10], [3, 10], [1, 10, 10], [1, 10]])
      #expect(
        block.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } == block.parameterCount)
    }
    #expect(plan.newParameterCount == 880 && plan.stateCount == 440)
  }

  @Test("Llama-2 7B: 33.8 million parameters, half a percent of the model")
  func llama7B() throws {
    let (h, i, v) = (4096, 11008, 32000)
    var tensors: [(String, [Int])] = [
      ("model.embed_tokens.weight", [v, h]), ("model.norm.weight", [h]),
      ("lm_head.weight", [v, h]),
    ]
    for layer in 0..<32 {
      let stem = "model.layers.\(layer)"
      tensors += ["q", "k", "v", "o"].map { ("\(stem).self_attn.\($0)_proj.weight", [h, h]) }
      tensors += ["gate", "up"].map { ("\(stem).mlp.\($0)_proj.weight", [i, h]) }
      tensors.append(("\(stem).mlp.down_proj.weight", [h, i]))
      tensors += ["input", "post_attention"].map { ("\(stem).\($0)_layernorm.weight", [h]) }
    }
    let names = try NameMap(
      tensors: tensors.map {
        TensorDescriptor(name: $0.0, dtype: .f16, shape: $0.1, byteRange: 0..<0)
      },
      configuration: ["model_type": .string("llama"), "rms_norm_eps": .number(1e-5)],
      configurationPath: "config.json", checkpointPath: "model")
    let plan = try Graph(names).rewritten().plan
    let report = RewriteReport(names: names, plan: plan)
    #expect(report.keptParameterCount == 6_738_415_616)
    // 32 layers × 64 maps × (128 × 128 weights + 128 biases).
    #expect(plan.newParameterCount == 33_816_576)
    let weights = 32 * 64 * 128 * 128
    let share = Double(weights) / Double(weights + report.keptParameterCount)
    #expect(abs(share - 0.004955) < 5e-7)
    let all = Double(plan.newParameterCount)
    #expect(abs(all / (all + Double(report.keptParameterCount)) - 0.0049934) < 5e-7)
    // S and z in float32: 129 MiB of state.
    #expect(plan.stateCount * 4 == 129 << 20)
  }
}
