// Swift values and literals as JSON.

import HHFormat
import Testing

@Suite("JSONConvertible")
struct JSONConvertibleTests {
  @Test("values, arrays and optionals convert; nil gives null")
  func values() {
    let (missing, present): (Int?, Int?) = (nil, 3)
    #expect(JSONValue(missing) == .null)
    #expect(JSONValue(present) == .integer(3))
    #expect(JSONValue([1, 2]) == .array([.integer(1), .integer(2)]))
    #expect(JSONValue([0.5]).text == "[0.5]")
    #expect(JSONValue(Float(0.25)) == .number(0.25))
    #expect(JSONValue(JSONObject([("a", true)])) == .object(["a": .bool(true)]))
  }

  @Test("64 bits without sign are an integer where one holds them, as a parser reads them")
  func unsigned() {
    #expect(JSONValue(UInt64(Int.max)) == .integer(.max))
    #expect(JSONValue(UInt64(Int.max) + 1) == .unsigned(1 << 63))
  }

  @Test("literals are values, and absent members are not null")
  func literals() {
    let name = "x"
    let value: JSONValue = ["a": [1, 2.0, true, "\(name)y"], "b": [:], "c": [], "a": 4]
    #expect(value.text == #"{"a":4,"b":{},"c":[]}"#)
    let list: JSONValue = [1, 2.0, true, "\(name)y"]
    #expect(list == .array([.integer(1), .number(2), .bool(true), .string("xy")]))
    #expect(value["d"] == nil && value["a"] == 4)
  }
}
