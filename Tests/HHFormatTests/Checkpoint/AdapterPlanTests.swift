// Which tensor of an adapter goes where, and forged ones that go nowhere.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("AdapterPlan")
struct AdapterPlanTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The plan of an adapter with these float32 tensors, all ones, for a base of golden/adapters.
  private func plan(
    _ base: String, _ tensors: [(name: String, shape: [Int])], _ settings: JSONObject = [:]
  ) throws -> AdapterPlan {
    var all: JSONObject = ["peft_type": "LORA", "r": 2, "lora_alpha": 4]
    for (key, value) in settings.pairs { all[key] = value }
    try directory.write(JSONValue.object(all).text, to: "adapter_config.json")
    let one: [UInt8] = [0, 0, 0x80, 0x3F]
    try SafetensorsWriter.write(
      to: directory.path("adapter_model.safetensors"),
      tensors: tensors.map { tensor in
        let count = tensor.shape.reduce(1, *)
        return (
          "base_model.model.\(tensor.name)", .f32, tensor.shape,
          Array(repeatElement(one, count: count).joined())
        )
      }, metadata: [], replacing: true)
    let model = try Checkpoint(opening: Fixtures.path("golden/adapters/\(base)/base"))
    return try AdapterPlan(
      AdapterConfiguration(inFolder: directory.path),
      SafetensorsFile(at: directory.path("adapter_model.safetensors")), model,
      names: NameMap(model)
    ) { _ in nil }
  }

  private func error(_ base: String, _ tensors: [(String, [Int])]) throws -> FormatError {
    try #require(throws: FormatError.self) { try plan(base, tensors) }
  }

  private static let query = "model.layers.0.self_attn.q_proj"

  @Test("names with and without the model's prefix go to the same tensor")
  func names() throws {
    for prefix in ["bert.", ""] {
      let module = "\(prefix)encoder.layer.0.attention.self.query"
      let plan = try plan(
        "bert-classifier",
        [("\(module).lora_A.weight", [2, 8]), ("\(module).lora_B.weight", [8, 2])])
      #expect(plan.updates.keys.map(\.text) == ["encoder.layer.0.attention.self.query.weight"])
    }
  }

  @Test("a classifier comes with its class, and the labels of another go")
  func classifier() throws {
    let plan = try plan(
      "bert-classifier", [("classifier.weight", [3, 8]), ("classifier.bias", [3])])
    #expect(plan.additions.map(\.name) == ["classifier.weight", "classifier.bias"])
    #expect(
      plan.configuration?["architectures"] == .array([.string("BertForSequenceClassification")]))
    #expect(plan.configuration?["id2label"] == nil)
  }

  @Test("half a pair, another rank or shape, and unknown names are refused")
  func forged() throws {
    let alone = try error("llama-plain", [("\(Self.query).lora_A.weight", [2, 16])])
    #expect(alone.problem == "expected lora_A and lora_B, found one of them")
    let rank = try error(
      "llama-plain",
      [("\(Self.query).lora_A.weight", [3, 16]), ("\(Self.query).lora_B.weight", [16, 3])])
    #expect(rank.problem.contains("rank 2 by") && rank.problem.contains("adapter_config.json"))
    for (name, shape) in [
      ("model.layers.7.self_attn.q_proj.weight", [16, 16]), ("score.weight", [2, 16]),
      ("\(Self.query).lora_magnitude_vector", [16]),
    ] {
      #expect(try error("llama-plain", [(name, shape)]).problem.hasPrefix("unexpected"), "\(name)")
    }
    #expect(
      try error("llama-plain", [("model.norm.weight", [4])]).problem.contains("'model.norm.weight'")
    )
  }

  @Test("shared weights are not parted")
  func ties() throws {
    let error = try error("llama-plain", [("lm_head.weight", [20, 16])])
    #expect(error.kind == .unsupported && error.problem.contains("shared weights"))
  }
}
