// Rotary frequencies against those of transformers' LlamaRotaryEmbedding.

import HHFormat
import Testing

@testable import HHModel

@Suite("RotaryScaling")
struct RotaryScalingTests {
  private func rotary(_ size: Int, _ base: Double, _ scaling: JSONValue?) throws -> [Double] {
    try Rotary(headSize: size, base: base, scaling: scaling, file: "config").frequencies
  }

  private func expectEqual(_ a: [Double], _ b: [Double]) {
    #expect(a.count == b.count)
    for (x, y) in zip(a, b) { #expect(abs(x - y) <= 4e-7 * y, "\(x) \(y)") }
  }

  private static func llama3(factor: Double, original: Int) -> JSONValue {
    .object([
      "rope_type": .string("llama3"), "factor": .number(factor), "low_freq_factor": .integer(1),
      "high_freq_factor": .number(4), "original_max_position_embeddings": .integer(original),
    ])
  }

  @Test("plain, linear and llama3 frequencies")
  func frequencies() throws {
    let plain = [1.0, 0.10000000149011612, 0.009999999776482582, 0.0010000000474974513]
    expectEqual(try rotary(8, 10000, nil), plain)
    expectEqual(try rotary(8, 10000, .null), plain)
    expectEqual(try rotary(8, 10000, .object(["rope_type": .string("default")])), plain)
    expectEqual(
      try rotary(8, 100, .object(["type": .string("linear"), "factor": .integer(4)])),
      [0.25, 0.07905694097280502, 0.02500000037252903, 0.007905694656074047])
    expectEqual(
      try rotary(16, 500000, Self.llama3(factor: 32, original: 8192)),
      [
        1.0, 0.193922758102417, 0.03760603070259094, 0.00729266507551074, 0.000429556705057621,
        8.570255886297673e-06, 1.6619674170215148e-06, 3.2229328894572973e-07,
      ])
    expectEqual(
      try rotary(16, 1000, Self.llama3(factor: 8, original: 64)),
      [
        1.0, 0.4216965138912201, 0.06430987268686295, 0.009373676963150501,
        0.0039528473280370235, 0.0016669018659740686, 0.0007029266562312841,
        0.00029642172739841044,
      ])
  }

  @Test(
    "what is not understood is refused",
    arguments: [
      (JSONValue.object(["rope_type": .string("proportional")]), "rope_type", "'proportional'"),
      (.object(["rope_type": .integer(3)]), "rope_type", "'3'"),
      (
        .object(["type": .string("dynamic"), "factor": .integer(2)]),
        "original_max_position_embeddings", "for rope type 'dynamic', found none"
      ),
      (
        .object(["rope_type": .string("longrope"), "short_factor": .array([.integer(1)])]),
        "short_factor", "expected 4 positive numbers, found 1"
      ),
      (.object(["rope_type": .string("linear")]), "factor", "found none"),
      (
        .object(["rope_type": .string("linear"), "factor": .integer(0)]), "factor", "found 0"
      ),
      (
        .object(["rope_type": .string("linear"), "factor": .string("2")]), "factor", "found \"2\""
      ),
      (
        .object(["rope_type": .string("llama3"), "factor": .integer(8)]), "low_freq_factor",
        "found none"
      ),
      (
        .object([
          "rope_type": .string("llama3"), "factor": .integer(8), "low_freq_factor": .integer(4),
          "high_freq_factor": .integer(4), "original_max_position_embeddings": .integer(8192),
        ]), "high_freq_factor", "expected more than low_freq_factor 4.0, found 4.0"
      ),
    ])
  func refused(scaling: JSONValue, key: String, ending: String) throws {
    let error = try #require(throws: FormatError.self) { try rotary(8, 10000, scaling) }
    #expect(error.file == "config" && error.place == "key 'rope_scaling.\(key)'")
    #expect(error.problem.hasSuffix(ending), "\(error)")
  }
}
