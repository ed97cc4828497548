// The graph that each architecture's checkpoint becomes.

import HHCompute
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("Graph")
struct GraphTests {
  private func graph(_ name: String) throws -> Graph { try Graph(Models.names(name)) }

  /// A node in a word.
  private func word(_ node: Node) -> String {
    switch node.operation {
    case .tokenEmbedding: "tokens"
    case .patchEmbedding: "patches"
    case .norm(let norm): norm.bias == nil ? "rms" : "norm"
    case .saveResidual: "save"
    case .addResidual: "add"
    case .attention: "attention"
    case .mlp(let mlp): mlp.gate == nil ? "mlp" : "gated"
    case .head(.pooler): "pooler"
    case .head(.lastTokenClassifier): "classifier"
    case .head(.classifier(_, let usesPooled)): usesPooled ? "pooled-classifier" : "classifier"
    case .head(.languageModel): "vocabulary"
    case .head(.maskedLanguageModel): "masked"
    }
  }

  @Test(
    "the order of the nodes",
    arguments: [
      ("gpt2-base", "tokens", "save norm attention add save norm mlp add", "norm vocabulary"),
      ("bert-model", "tokens norm", "save attention add norm save mlp add norm", "pooler"),
      (
        "bert-classifier", "tokens norm", "save attention add norm save mlp add norm",
        "pooler pooled-classifier"
      ),
      ("bert-masked-lm", "tokens norm", "save attention add norm save mlp add norm", "masked"),
      ("vit-classifier", "patches", "save norm attention add save norm mlp add", "norm classifier"),
      ("vit-model", "patches", "save norm attention add save norm mlp add", "norm pooler"),
      ("llama-mha", "tokens", "save rms attention add save rms gated add", "rms vocabulary"),
    ])
  func order(name: String, embedding: String, block: String, output: String) throws {
    let graph = try graph(name)
    #expect(graph.embeddingNodes.map(word).joined(separator: " ") == embedding)
    for layer in 0..<graph.layerCount {
      #expect(graph.nodes(ofLayer: layer).map(word).joined(separator: " ") == block)
    }
    #expect(graph.outputNodes.map(word).joined(separator: " ") == output)
    #expect(
      graph.nodes.count
        == graph.embeddingNodes.count + graph.layerCount * 8 + graph.outputNodes.count)
    #expect(graph.attentions.count == graph.layerCount)
  }

  @Test("sizes and kinds")
  func sizes() throws {
    let gpt2 = try graph("gpt2-base")
    #expect(gpt2.architecture == "gpt2" && gpt2.kind == .decoder)
    #expect(
      [gpt2.hiddenSize, gpt2.layerCount, gpt2.maximumLength, gpt2.vocabularySize] == [
        20, 2, 20, 48,
      ])
    let vit = try graph("vit-no-qkv-bias")
    #expect(vit.kind == .image && vit.maximumLength == 17 && vit.vocabularySize == 0)
    #expect(vit.attentions.allSatisfy { !$0.isCausal })
    let bert = try graph("bert-model")
    #expect(bert.kind == .encoder && bert.attentions.allSatisfy { !$0.isCausal })
  }

  @Test("heads, scales and positions of an attention")
  func attention() throws {
    let grouped = try #require(try graph("llama-mqa-head-dim").attentions.first)
    #expect(grouped.headCount == 3 && grouped.keyValueHeadCount == 1 && grouped.headSize == 10)
    #expect(grouped.isCausal && grouped.scale == 1 / Float(10).squareRoot())
    #expect(grouped.rotary?.frequencies.count == 5)
    #expect(grouped.output.inputs == 30 && grouped.output.outputs == 24)
    let inverse = try graph("gpt2-inverse-layer").attentions
    #expect(inverse.map(\.scale) == [0.25, 0.125, 0.25 / 3])
    #expect(inverse.allSatisfy { $0.rotary == nil && $0.mechanism == .softmax })
    guard case .fused(let linear) = inverse[0].projection else {
      Issue.record("expected one projection for q, k and v")
      return
    }
    #expect(linear.isInputMajor && linear.inputs == 16 && linear.outputs == 48)
  }

  @Test("scores without a scale")
  func unscaled() throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/gpt2-base"))
    var configuration = try #require(checkpoint.configuration)
    configuration["scale_attn_weights"] = .bool(false)
    let names = try NameMap(
      tensors: checkpoint.tensors, configuration: configuration, configurationPath: "config",
      checkpointPath: "model")
    #expect(try Graph(names).attentions.map(\.scale) == [1, 1])
  }

  @Test("biases that a model lacks are absent from its linear maps")
  func biases() throws {
    func hasBias(_ name: String) throws -> [Bool] {
      guard case .separate(let query, let key, let value) = try graph(name).attentions[0].projection
      else { return [] }
      return [query, key, value].map { $0.bias != nil }
    }
    #expect(try hasBias("vit-no-qkv-bias") == [false, false, false])
    #expect(try hasBias("vit-classifier") == [true, true, true])
    #expect(try hasBias("llama-mha") == [false, false, false])
    #expect(try hasBias("llama-bias-linear-rope") == [true, true, true])
  }

  private func error(_ name: String, _ key: String, _ value: JSONValue) throws -> FormatError {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    var configuration = try #require(checkpoint.configuration)
    configuration[key] = value
    let names = try NameMap(
      tensors: checkpoint.tensors, configuration: configuration, configurationPath: "config",
      checkpointPath: "model")
    return try #require(throws: FormatError.self) { try Graph(names) }
  }

  @Test("an unknown activation is refused by name")
  func activations() throws {
    let unknown = try error("gpt2-base", "activation_function", .string("quick_gelu"))
    #expect(unknown.kind == .unsupported)
    #expect(
      unknown.description
        == "config: key 'activation_function': expected gelu, gelu_new, relu, silu or tanh,"
        + " found 'quick_gelu'")
    let gated = try error("llama-mha", "hidden_act", .string("gelu"))
    #expect(gated.problem == "expected silu in a gated feed-forward block, found 'gelu'")
  }
}
