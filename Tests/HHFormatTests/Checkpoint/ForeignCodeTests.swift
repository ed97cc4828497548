// No export has a member that makes transformers run a stranger's code.

import Testing

@testable import HHFormat

@Suite("ForeignCode")
struct ForeignCodeTests {
  private func removed(_ text: String) throws -> (text: String, places: [String]) {
    let object = try JSONObject(parsing: Array(text.utf8).raw, file: "x.json")
    let (kept, places) = ForeignCode.removed(from: object)
    return (JSONValue.object(kept).text, places)
  }

  @Test(
    "members that name code go, wherever they lie, and are named",
    arguments: [
      (#"{"auto_map":{"AutoModel":"evil--m.M"},"a":1}"#, #"{"a":1}"#, ["auto_map"]),
      (#"{"auto_map":["evil--m.M",null]}"#, "{}", ["auto_map"]),
      (#"{"auto\u005fmap":"evil--m.M"}"#, "{}", ["auto_map"]),
      (#"{"custom_pipelines":{"p":{"impl":"p.P"}}}"#, "{}", ["custom_pipelines"]),
      (#"{"custom_generate":"evil/loop"}"#, "{}", ["custom_generate"]),
      (
        #"{"text_config":{"auto_map":{}},"parts":[{"x":2},{"auto_map":{}}]}"#,
        #"{"text_config":{},"parts":[{"x":2},{}]}"#, ["text_config.auto_map", "parts[1].auto_map"]
      ),
      (
        #"{"_attn_implementation":"evil/kernel@v1:f","attn_implementation":{"t":"evil/k"}}"#, "{}",
        ["_attn_implementation", "attn_implementation"]
      ),
    ])
  func names(text: String, kept: String, places: [String]) throws {
    let found = try removed(text)
    #expect(found.text == kept)
    #expect(found.places == places)
  }

  @Test(
    "everything else stays, in its order",
    arguments: [
      #"{"label2id":{"auto_map":3,"custom_pipelines":0},"a":[1,"auto_map"]}"#,
      #"{"attn_implementation":"sdpa","_attn_implementation":"eager","x":null}"#,
    ])
  func harmless(text: String) throws {
    let found = try removed(text)
    #expect(found.text == text)
    #expect(found.places.isEmpty)
  }

  @Test("a file without them keeps its bytes; a vocabulary may have tokens of any name")
  func files() throws {
    func removed(_ name: String, _ text: String) throws -> (file: SidecarFile, places: [String]) {
      try ForeignCode.removed(
        from: SidecarFile(name: name, content: Array(text.utf8)), of: "model")
    }
    let plain = try removed("tokenizer_config.json", #"{ "a" :1 }"#)
    #expect(plain.file.content == Array(#"{ "a" :1 }"#.utf8) && plain.places.isEmpty)
    let code = try removed("tokenizer_config.json", #"{"a":1,"auto_map":{}}"#)
    #expect(code.file.content == Array("{\n  \"a\": 1\n}\n".utf8) && code.places == ["auto_map"])
    for name in ["vocab.json", "tokenizer.json", "README.md", "chat_template.jinja"] {
      #expect(try removed(name, #"{"auto_map":{}"#).places.isEmpty)
    }
    // Another reader may find in it what ours does not.
    let error = #expect(throws: FormatError.self) {
      try removed("generation_config.json", #"{"a":1,"a":{"auto_map":{}}}"#)
    }
    #expect(error?.file == "model/generation_config.json")
  }
}
