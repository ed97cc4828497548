// Files that hold a JSON object.

import HHFormat
import HHTestSupport
import Testing

@Suite("JSONFile")
struct JSONFileTests {
  @Test(
    "a file that holds no JSON object is refused by name",
    arguments: [
      ("[]", "expected a JSON object, found another type"),
      ("{\"a\":}", "invalid JSON at byte 5: expected a JSON value, found '}'"),
      ("", "invalid JSON at byte 0: expected a JSON value, found the end of the text"),
      ("{\"a\": \"01234567890123456789\"}", "expected JSON of at most 24 bytes, found 29"),
    ])
  func files(text: String, problem: String) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(text, to: "config.json")
    #expect(throws: FormatError(.badData, file: path, problem: problem)) {
      try JSONObject(contentsOf: path, limit: 24)
    }
  }
}
