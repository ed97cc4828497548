// Objects keep order and compare keys by their bytes.

import HHFormat
import Testing

@Suite("JSONValue")
struct JSONValueTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  @Test("members keep their order; replacing keeps the place, nil removes")
  func order() {
    var object: JSONObject = ["b": .integer(1), "a": .integer(2)]
    object["c"] = .null
    object["b"] = .integer(3)
    #expect(object.keys == ["b", "a", "c"])
    #expect(object["b"] == .integer(3))
    object["a"] = nil
    #expect(object.keys == ["b", "c"])
    #expect(object["c"] == .some(.null))
    #expect(object != ["c": .null, "b": .integer(3)])
  }

  @Test("keys that differ only in their spelling of one accented character are two keys")
  func keysAreBytes() throws {
    let value = try parse("{\"caf\u{E9}\":1,\"cafe\u{301}\":2}")
    #expect(value["caf\u{E9}"] == .integer(1))
    #expect(value["cafe\u{301}"] == .integer(2))
  }

  @Test("a value counts its items and levels as the reader does")
  func extent() throws {
    for (text, items, depth) in [
      ("1", 0, 0), ("[]", 0, 1), (#"{"a":1}"#, 1, 1), (#"[1,{"a":[2,3]},[]]"#, 6, 3),
    ] {
      let value = try parse(text)
      #expect(value.itemCount == items && value.depth == depth, "\(text)")
    }
  }
}
