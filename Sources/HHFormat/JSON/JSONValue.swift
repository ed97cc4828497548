// A JSON document as a value that keeps key order and exact integers.

internal import OrderedCollections

/// Any JSON value. Objects keep the order of their keys, integers stay exact up to 64 bits.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  /// An integer above `Int.max`.
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The member of an object, or nil where this is no object or has no such key.
  package subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// The string, or nil for any other kind.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The integer, or nil for any other kind; a number such as `2.0` is not an integer.
  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The number as a double, from an integer or a number.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The truth value, or nil for any other kind.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The elements, or nil for any other kind.
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The members, or nil for any other kind.
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// Elements and members at every level, of which a reader takes `JSONReader.maximumItems`.
  package var itemCount: Int { parts.reduce(parts.count) { $0 + $1.itemCount } }
  /// Levels of nesting, of which a reader takes `JSONReader.maximumDepth`.
  package var depth: Int {
    switch self {
    case .array, .object: 1 + (parts.lazy.map(\.depth).max() ?? 0)
    default: 0
    }
  }

  private var parts: [JSONValue] {
    switch self {
    case .array(let elements): elements
    case .object(let members): members.pairs.map(\.value)
    default: []
    }
  }
}

/// Members of a JSON object in file order, which equality respects.
///
/// Keys are compared byte for byte (as UTF-8): Swift's `String` would call two different spellings
/// of one accented character the same key.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  private var members: OrderedDictionary<ByteKey, JSONValue> = [:]

  /// Creates an object from literal members.
  package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }

  /// Creates an object from members, of which the last one with a key counts.
  package init(_ members: [(String, JSONValue)]) {
    for (key, value) in members { self[key] = value }
  }

  /// Reads, replaces or (with nil) removes a member.
  package subscript(key: String) -> JSONValue? {
    get { members[ByteKey(key)] }
    set { members[ByteKey(key)] = newValue }
  }

  /// The keys in order.
  package var keys: [String] { members.keys.map(\.text) }
  /// Key and value pairs in order.
  package var pairs: [(key: String, value: JSONValue)] {
    members.elements.map { ($0.key.text, $0.value) }
  }
  /// Number of members.
  package var count: Int { members.count }
}

/// A string that is equal only to the same bytes.
package struct ByteKey: Sendable, Hashable {
  /// The text.
  package let text: String
  /// Wraps a text.
  package init(_ text: String) { self.text = text }

  package static func == (a: Self, b: Self) -> Bool {
    let a = a.text.utf8Span.span
    let b = b.text.utf8Span.span
    guard a.count == b.count else { return false }
    for index in a.indices where a[index] != b[index] { return false }
    return true
  }
  package func hash(into hasher: inout Hasher) {
    var text = text
    // Safe: the buffer is only read, inside the closure.
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
