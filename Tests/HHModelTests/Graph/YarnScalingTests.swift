// YaRN's parameters; the frequencies are checked against transformers in WildModelsTests.

import HHFormat
import Testing

@testable import HHModel

@Suite("YarnScaling")
struct YarnScalingTests {
  private func rotary(_ settings: JSONObject) throws -> Rotary {
    let usual: JSONObject = [
      "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64,
    ]
    let all = JSONObject(
      usual.pairs.map { ($0.key, $0.value) } + settings.pairs.map { ($0.key, $0.value) })
    return try Rotary(headSize: 16, base: 100, scaling: .object(all), file: "config")
  }

  @Test("the fastest frequencies stay, the slowest are divided, and none is beyond both")
  func bounds() throws {
    let plain = Llama3Scaling.frequencies(base: 100, count: 8)
    let scaled = try rotary(["beta_fast": 8.0]).frequencies
    #expect(scaled[0] == plain[0])
    #expect(abs(scaled[7] - plain[7] / 4) < 1e-12)
    for (frequency, before) in zip(scaled, plain) {
      #expect(frequency <= before && frequency >= before / 4)
    }
  }

  @Test("attention is scaled as the paper says, or as the file does")
  func attention() throws {
    #expect(abs(try rotary([:]).scale - 1.138629) < 1e-6)
    #expect(try rotary(["attention_factor": 1.5]).scale == 1.5)
    let ratio = try rotary(["mscale": 2.0, "mscale_all_dim": 0.5]).scale
    #expect(abs(ratio - 1.2772589 / 1.0693147) < 1e-6)
    #expect(try rotary([:]).lengthLimit == nil)
  }

  @Test("a parameter of another kind is an error that names it")
  func wrong() throws {
    for key in ["factor", "beta_fast", "attention_factor", "truncate"] {
      let error = try #require(throws: FormatError.self) { try rotary([key: "x"]) }
      #expect(error.place == "key 'rope_scaling.\(key)'", "\(error)")
    }
  }
}
