// What the parser accepts, what it refuses and where it says the fault is.

import HHFormat
import Testing

@Suite("JSONParser")
struct JSONParserTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  @Test(
    "valid documents",
    arguments: [
      ("null", .null), (" \t\r\n true \n", .bool(true)), ("false", .bool(false)),
      ("0", .integer(0)), ("-0", .integer(0)), ("-12", .integer(-12)),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .unsigned(9_223_372_036_854_775_808)),
      ("18446744073709551615", .unsigned(.max)),
      ("18446744073709551616", .number(18_446_744_073_709_551_616)),
      ("1.0", .number(1)), ("-0.0", .number(-0.0)), ("1e3", .number(1000)),
      ("1E+2", .number(100)), ("25e-1", .number(2.5)), ("1e-400", .number(0)),
      ("\"\"", .string("")), (#""aé😀\u00e9\ud83d\ude00""#, .string("aé😀é😀")),
      (#""\"\\\/\b\f\n\r\t\u0000""#, .string("\"\\/\u{8}\u{C}\n\r\t\0")),
      (#""\u004A\u004a""#, .string("JJ")),
      ("\"\u{7F}\u{2028}\"", .string("\u{7F}\u{2028}")),
      ("[]", .array([])), ("[ ]", .array([])),
      ("[1 , [2]]", .array([.integer(1), .array([.integer(2)])])),
      ("{}", .object([:])),
      (#"{"b":1,"a":{"":null}}"#, .object(["b": .integer(1), "a": .object(["": .null])])),
    ] as [(String, JSONValue)])
  func valid(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test(
    "faulty documents name the fault and its byte",
    arguments: [
      ("", 0, "expected a JSON value"), ("  ", 2, "expected a JSON value"),
      ("nul", 3, "expected 'null'"), ("True", 0, "expected a JSON value"),
      ("truex", 4, "expected the end of the document"),
      ("1 2", 2, "expected the end of the document"),
      ("01", 2, "expected a number, found one"), ("-01", 3, "expected a number, found one"),
      ("+1", 0, "expected a JSON value"), ("-", 1, "expected a JSON value"),
      (".5", 0, "expected a JSON value"), ("1.", 2, "expected a JSON value"),
      ("1.e3", 2, "expected a JSON value"), ("1e", 2, "expected a JSON value"),
      ("1e+", 3, "expected a JSON value"), ("1e400", 5, "expected a number that a double can hold"),
      ("NaN", 0, "expected a JSON value"), ("Infinity", 0, "expected a JSON value"),
      ("0x10", 1, "expected the end of the document"),
      ("\"", 1, "expected the end of a string"), ("\"a", 2, "expected the end of a string"),
      ("\"a\\", 3, "expected an escape, found the end"),
      ("\"a\\\"", 4, "expected the end of a string"),
      ("\"a\nb\"", 2, "expected an escape for a control character"),
      ("\"\u{1F}\"", 1, "expected an escape for a control character"),
      (#""\x41""#, 2, "expected an escape, found 'x'"),
      (#""\u12""#, 5, "expected four hexadecimal digits"),
      (#""\u12G4""#, 5, "expected four hexadecimal digits"),
      (#""\ud83d""#, 1, "expected a pair of surrogates"),
      (#""\ude00""#, 1, "expected a pair of surrogates"),
      (#""\ud83dx""#, 1, "expected a pair of surrogates"),
      (#""\ud83d\n""#, 1, "expected a pair of surrogates"),
      (#""\ud83d\ud83d""#, 1, "expected a pair of surrogates"),
      ("[", 1, "expected a JSON value"), ("[1", 2, "expected ',' or ']'"),
      ("[1,]", 3, "expected a JSON value"), ("[,1]", 1, "expected a JSON value"),
      ("[1 2]", 3, "expected ',' or ']'"), ("[1}", 2, "expected ',' or ']'"),
      ("]", 0, "expected a JSON value"),
      ("{", 1, "expected a quoted key"), ("{\"a\"", 4, "expected ':'"),
      ("{\"a\":", 5, "expected a JSON value"), ("{\"a\":1", 6, "expected ',' or '}'"),
      ("{\"a\":1,}", 7, "expected a quoted key"), ("{a:1}", 1, "expected a quoted key"),
      ("{'a':1}", 1, "expected a quoted key"), ("{1:1}", 1, "expected a quoted key"),
      ("{\"a\":1]", 6, "expected ',' or '}'"), ("{\"a\" 1}", 5, "expected ':'"),
      ("// c\n1", 0, "expected a JSON value"), ("\u{FEFF}1", 0, "expected a JSON value"),
      ("1\0", 1, "expected the end of the document"),
      (#"{"a":1,"a":2}"#, 7, "expected each key once, found 'a' twice"),
      (#"{"a":1,"\u0061":2}"#, 7, "expected each key once, found 'a' twice"),
      (#"{"x":{"k":1, "k":1}}"#, 13, "expected each key once, found 'k' twice"),
    ])
  func faulty(text: String, offset: Int, problem: String) {
    let error = #expect(throws: JSONError.self) { try parse(text) }
    #expect(error?.offset == offset)
    // What was found follows what was expected.
    #expect(error?.problem.hasPrefix(problem) == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains(", found ") == true, "\(error?.problem ?? "")")
  }

  @Test("bytes that are not UTF-8 are refused, in values and keys, around escapes too")
  func invalidUTF8() {
    let faults: [[UInt8]] = [
      [0x80], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xFF], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ]
    for fault in faults {
      for (head, tail) in [("\"", "\""), ("\"a\\n", "\""), ("\"", "\\n\""), ("{\"", "\":1}")] {
        #expect(throws: JSONError.self) {
          try JSONValue(parsing: Array(head.utf8) + fault + Array(tail.utf8))
        }
      }
    }
  }

  @Test("sixty-four levels are read, sixty-five are refused, a million do no harm")
  func depth() throws {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      func nested(_ levels: Int) -> String {
        String(repeating: open, count: levels) + "[]" + String(repeating: close, count: levels)
      }
      _ = try parse(nested(63))
      #expect(throws: JSONError.self) { try parse(nested(64)) }
      #expect(throws: JSONError.self) { try parse(String(repeating: open, count: 1_000_000)) }
    }
  }

  @Test("no prefix of a document is a document, and no changed byte is a crash")
  func robustness() {
    let document = #"{"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{"c":{}},"é":"😀"}"#
    let bytes = Array(document.utf8)
    for length in bytes.indices {
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(bytes[..<length])) }
    }
    let telling = Array("\0\u{1F} \"\\[]{}:,0-.eEtu/\u{7F}".utf8) + [0x80, 0xC3, 0xED, 0xF4, 0xFF]
    for index in bytes.indices {
      for value in telling {
        var changed = bytes
        changed[index] = value
        do {
          // What is still valid survives writing and reading.
          let value = try JSONValue(parsing: changed)
          if try parse(value.text) != value { Issue.record("\(value.text) is not read back") }
        } catch is JSONError {
        } catch { Issue.record(error) }
      }
    }
  }
}
