// How Swift values and literals become JSON values.

/// A value that has a JSON form. `JSONValue(_:)` takes it, also as an optional or in an array.
package protocol JSONConvertible {
  /// The value as JSON.
  var json: JSONValue { get }
}

extension JSONValue: JSONConvertible {
  package var json: JSONValue { self }

  /// Converts a value: a truth value, a number, a string, an object, an array of these, or an
  /// optional, where nil gives null.
  package init(_ value: some JSONConvertible) { self = value.json }
}

extension Bool: JSONConvertible { package var json: JSONValue { .bool(self) } }
extension Int: JSONConvertible { package var json: JSONValue { .integer(self) } }
extension UInt64: JSONConvertible {
  /// An integer where it fits, so that values compare equal to those that a parser reads.
  package var json: JSONValue { Int(exactly: self).map(JSONValue.integer) ?? .unsigned(self) }
}
extension Double: JSONConvertible { package var json: JSONValue { .number(self) } }
extension Float: JSONConvertible { package var json: JSONValue { .number(Double(self)) } }
extension String: JSONConvertible { package var json: JSONValue { .string(self) } }
extension JSONObject: JSONConvertible { package var json: JSONValue { .object(self) } }
extension Array: JSONConvertible where Element: JSONConvertible {
  package var json: JSONValue { .array(map(\.json)) }
}
extension Optional: JSONConvertible where Wrapped: JSONConvertible {
  package var json: JSONValue { self?.json ?? .null }
}

extension JSONConvertible where Self: RawRepresentable<String> {
  package var json: JSONValue { .string(rawValue) }
}

extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements))
  }
}
