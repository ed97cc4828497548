// Written documents are compact, exact and escaped as the official safetensors writer does it.

import HHFormat
import Testing

@Suite("JSONWriter")
struct JSONWriterTests {
  @Test(
    "values as text",
    arguments: [
      (.null, "null"), (.bool(true), "true"), (.integer(.min), "-9223372036854775808"),
      (.unsigned(.max), "18446744073709551615"), (.number(0.1), "0.1"), (.number(-0.0), "-0.0"),
      (.number(1e300), "1e+300"), (.number(.nan), "null"), (.number(-.infinity), "null"),
      (.string("é😀\u{7F}\u{2028}/"), "\"é😀\u{7F}\u{2028}/\""),
      (.string("\"\\\u{8}\u{C}\n\r\t\0\u{1F}"), #""\"\\\b\f\n\r\t\u0000\u001f""#),
      (.array([]), "[]"), (.object([:]), "{}"),
      (
        .object(["z": .array([.integer(1), .bool(false)]), "a\n": .object(["": .null])]),
        #"{"z":[1,false],"a\n":{"":null}}"#
      ),
    ] as [(JSONValue, String)])
  func values(value: JSONValue, text: String) throws {
    #expect(value.text == text)
  }

  @Test("a number that is written is read back as the same number")
  func numbers() throws {
    for value in [
      0.1, .leastNonzeroMagnitude, .leastNormalMagnitude / 3, .greatestFiniteMagnitude,
      123_456_789.125, 1e22, -3,
    ] as [Double] {
      let text = JSONValue.number(value).text
      #expect(try JSONValue(parsing: Array(text.utf8)) == .number(value))
    }
  }

  @Test("text for people has a member per line and keeps plain lists on theirs")
  func readable() throws {
    let value: JSONValue = .object([
      "a": .array([.integer(1), .null]), "b": .object(["c": .object([:]), "d": .number(1e-5)]),
      "e": .array([.array([]), .object(["f": .bool(true)])]),
    ])
    #expect(
      value.readableText == """
        {
          "a": [1, null],
          "b": {
            "c": {},
            "d": 1e-05
          },
          "e": [
            [],
            {
              "f": true
            }
          ]
        }

        """)
    #expect(try JSONValue(parsing: Array(value.readableText.utf8)) == value)
  }
}
