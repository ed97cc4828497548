// What an adapter may say of itself; the numbers are in AdapterModelsTests.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("AdapterConfiguration")
struct AdapterConfigurationTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func settings(_ members: JSONObject) throws -> AdapterConfiguration {
    var all: JSONObject = ["peft_type": "LORA", "r": 4, "lora_alpha": 8]
    for (key, value) in members.pairs { all[key] = value }
    try directory.write(JSONValue.object(all).text, to: AdapterConfiguration.fileName)
    return try AdapterConfiguration(inFolder: directory.path)
  }

  static let others: [(key: String, value: JSONValue)] = [
    ("peft_type", "IA3"), ("peft_type", .null), ("use_dora", true), ("lora_bias", true),
    ("layer_replication", [[0, 1]]), ("trainable_token_indices", [1, 2]),
    ("target_parameters", ["x"]), ("init_lora_weights", "pissa"), ("init_lora_weights", "olora"),
  ]

  @Test("what is not plain LoRA is refused by its key", arguments: others)
  func refused(key: String, value: JSONValue) throws {
    let error = try #require(throws: FormatError.self) { try settings([key: value]) }
    #expect(error.kind == .unsupported && error.place == "key '\(key)'")
    #expect(error.hint?.contains("merge_and_unload") == true)
  }

  @Test("the factor is alpha by rank, or by its root, and a pattern may give others")
  func scaling() throws {
    #expect(try settings([:]).scaling(of: "a.q_proj") == (2, 4))
    #expect(try settings(["use_rslora": true]).scaling(of: "a.q_proj") == (4, 4))
    let patterns: JSONObject = [
      "rank_pattern": ["q_proj": 2], "alpha_pattern": ["a.q_proj": 1, "proj": 9],
    ]
    #expect(try settings(patterns).scaling(of: "a.q_proj") == (0.5, 2))
    #expect(try settings(patterns).scaling(of: "a.k_proj") == (2, 4))
    let wrongs: [JSONObject] = [
      ["r": 0], ["r": "x"], ["lora_alpha": .null], ["rank_pattern": [".*q": 2]],
    ]
    for wrong in wrongs {
      #expect(throws: FormatError.self) { try settings(wrong).scaling(of: "a.q_proj") }
    }
  }

  @Test("alone it names its base")
  func alone() throws {
    let error = try settings(["base_model_name_or_path": "org/model"]).needsBase
    #expect(error.problem.contains("'org/model'"))
    #expect(error.remedy == "pass the model with \(.base)")
  }
}
