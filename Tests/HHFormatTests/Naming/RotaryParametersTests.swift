// Where the rotary settings of a configuration are taken from; the numbers are in WildModelsTests.

import HHFormat
import Testing

@Suite("RotaryParameters")
struct RotaryParametersTests {
  private func sizes(_ change: (inout JSONObject) -> Void) throws -> Hyperparameters {
    var table = try TensorTable(golden: "llama-gqa")
    var configuration = table.configuration ?? [:]
    configuration["rope_theta"] = nil
    configuration["rope_scaling"] = nil
    change(&configuration)
    table.configuration = configuration
    return try table.matched().hyperparameters
  }

  @Test("rope_scaling takes the place of rope_parameters, an empty one does not")
  func choice() throws {
    let parameters: JSONValue = ["rope_type": "default", "rope_theta": 7.0]
    let scaling: JSONValue = ["rope_type": "linear", "factor": 2.0]
    let both = try sizes {
      $0["rope_parameters"] = parameters
      $0["rope_scaling"] = scaling
    }
    #expect(both.value("ropeScaling") == scaling)
    #expect(both.number("ropeBase") == 10_000)
    let empty = try sizes {
      $0["rope_parameters"] = parameters
      $0["rope_scaling"] = [:]
    }
    #expect(empty.number("ropeBase") == 7)
    let inside = try sizes {
      $0["rope_theta"] = 3.0
      $0["rope_scaling"] = ["rope_type": "linear", "factor": 2.0, "rope_theta": 5.0]
    }
    #expect(inside.number("ropeBase") == 5)
  }

  @Test("the length that a scaling starts from is the one beside, inside, or the model's")
  func lengths() throws {
    func length(_ change: (inout JSONObject) -> Void) throws -> Int? {
      try sizes(change).value("ropeScaling")?["original_max_position_embeddings"]?.integer
    }
    let inside: JSONValue = [
      "rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 16,
    ]
    #expect(try length { $0["rope_scaling"] = inside } == 16)
    #expect(
      try length {
        $0["rope_scaling"] = inside
        $0["original_max_position_embeddings"] = 8
      } == 8)
    #expect(try length { $0["rope_scaling"] = ["rope_type": "yarn", "factor": 2.0] } == 64)
    #expect(try length { $0["rope_scaling"] = ["type": "dynamic", "factor": 2.0] } == 64)
    #expect(try length { $0["rope_scaling"] = ["type": "linear", "factor": 2.0] } == nil)
  }

  @Test("what is no object, and a scaling of a part of each head, are refused")
  func refused() throws {
    let text = try #require(throws: FormatError.self) { try sizes { $0["rope_scaling"] = "yarn" } }
    #expect(text.place == "key 'rope_scaling'")
    let part = try #require(throws: FormatError.self) {
      try sizes {
        $0["rope_scaling"] = ["type": "linear", "factor": 2.0]
        $0["partial_rotary_factor"] = 0.5
      }
    }
    #expect(part.kind == .unsupported)
    #expect(part.place == "key 'rope_scaling.partial_rotary_factor'")
    // Without a scaling transformers turns whole heads whatever it says.
    _ = try sizes { $0["partial_rotary_factor"] = 0.5 }
  }
}
