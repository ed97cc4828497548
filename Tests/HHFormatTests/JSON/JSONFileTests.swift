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

  @Test("a byte order mark before the object says nothing")
  func byteOrderMark() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("\u{FEFF}{\"a\": 1}", to: "config.json")
    #expect(try JSONObject(contentsOf: path) == ["a": .integer(1)])
    #expect(Array("\u{FEFF}a".utf8).withoutByteOrderMark == [0x61])
    #expect(([0xEF, 0xBB] as [UInt8]).withoutByteOrderMark == [0xEF, 0xBB])
  }
}
