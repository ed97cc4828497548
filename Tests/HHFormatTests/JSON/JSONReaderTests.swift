// What the pull reader passes over, reads exactly and refuses.

import HHFormat
import Testing

@Suite("JSONReader")
struct JSONReaderTests {
  @Test("passing over a value applies the same checks as reading it")
  func skip() {
    func accepts(_ text: String) -> Bool {
      let bytes = Array(text.utf8)
      var reader = JSONReader(bytes.span)
      do {
        try reader.skip()
        try reader.end()
        return true
      } catch { return false }
    }
    for text in [#"{"a":[1,{"b":null}],"c":"x"}"#, "[]", "[[],{}]", " 1.5e3 ", "true"] {
      #expect(accepts(text))
    }
    for text in [#"{"a":1,"a":2}"#, "[1,]", "{\"a\"}", "[1", "01", "tru", "\"\u{1}\"", ""] {
      #expect(!accepts(text))
    }
  }

  @Test("sizes are read exactly or refused")
  func unsignedIntegers() throws {
    func read(_ text: String) throws -> UInt64 {
      let bytes = Array(text.utf8)
      var reader = JSONReader(bytes.span)
      return try reader.unsignedInteger()
    }
    #expect(try read(" 0") == 0)
    #expect(try read("18446744073709551615") == .max)
    for text in [
      "18446744073709551616", "99999999999999999999", "-1", "-0", "1.0", "1e2", "00", "01", "\"1\"",
      "",
    ] {
      #expect(throws: JSONError.self) { try read(text) }
    }
  }

  @Test("more elements and members than memory allows are refused, wherever they stand")
  func items() throws {
    let most = JSONReader.maximumItems
    let half = "[" + String(repeating: "0,", count: most / 2 - 2) + "0]"
    _ = try JSONValue(parsing: Array("[\(half),\(half)]".utf8))
    let error = try #require(throws: JSONError.self) {
      try JSONValue(parsing: Array("[\(half),\(half),{\"a\":0}]".utf8))
    }
    #expect(error.problem == "expected at most \(most) elements and members, found more")
  }
}
