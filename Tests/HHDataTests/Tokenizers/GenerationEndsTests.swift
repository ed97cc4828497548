// Ends of text that a model's configuration names.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("GenerationEnds")
struct GenerationEndsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The ends of the fixture's GPT-2 with other ones in its configuration files.
  private func ends(configuration: String, generation: String?) throws -> [Int32] {
    let source = Fixtures.path("models/gpt2")
    for name in ["model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
      try directory.write(readBytes(at: "\(source)/\(name)"), to: name)
    }
    var config = try JSONObject(contentsOf: "\(source)/config.json")
    config["eos_token_id"] = try JSONValue(parsing: Array(configuration.utf8))
    try directory.write(JSONValue.object(config).text, to: "config.json")
    if let generation { try directory.write(generation, to: "generation_config.json") }
    let checkpoint = try Checkpoint(opening: directory.path)
    return try #require(try TokenizerLoader.load(of: checkpoint)).special.ends
  }

  @Test("one end, a list, or none, in either file")
  func ends() throws {
    #expect(try ends(configuration: "0", generation: nil) == [0])
    #expect(try ends(configuration: "[5, 0]", generation: nil) == [0, 5])
    #expect(try ends(configuration: "null", generation: #"{"eos_token_id": [7, 8]}"#) == [0, 7, 8])
    #expect(try ends(configuration: "3", generation: #"{"eos_token_id": 4}"#) == [0, 3, 4])
    #expect(try ends(configuration: "3", generation: "{}") == [0, 3])
    #expect(try ends(configuration: "-1", generation: #"{"eos_token_id": -1}"#) == [0])
  }

  @Test(
    "anything else is refused with its file and key",
    arguments: [#""x""#, "[0, -1]", "-2", "1.5"])
  func refusals(value: String) throws {
    let file = #"{"eos_token_id": \#(value)}"#
    let error = #expect(throws: FormatError.self) {
      try ends(configuration: "0", generation: file)
    }
    #expect(error?.file == directory.path("generation_config.json"))
    #expect(error?.place == "key 'eos_token_id'")
    #expect(throws: FormatError.self) { try ends(configuration: value, generation: nil) }
  }
}
