// Building a JSON value from text, and passing over one.

extension JSONValue {
  /// Deeper nesting of arrays and objects than this is refused.
  package static var maximumDepth: Int { JSONReader.maximumDepth }

  /// Parses one document; leading and trailing white space is allowed, anything else is not.
  package init(parsing bytes: Span<UInt8>) throws(JSONError) {
    var reader = JSONReader(bytes)
    self = try reader.value()
    try reader.end()
  }

  /// Parses one document from an array of bytes.
  package init(parsing bytes: [UInt8]) throws(JSONError) {
    try self.init(parsing: bytes.span)
  }
}

extension JSONReader {
  /// Reads any value into memory.
  @_lifetime(self: copy self)
  package mutating func value() throws(JSONError) -> JSONValue {
    switch peek() {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["):
      try open("[")
      var items: [JSONValue] = []
      while try nextElement(isFirst: items.isEmpty) { items.append(try value()) }
      return .array(items)
    default: return try scalar()
    }
  }

  /// Reads an object into memory; a key that occurs twice is refused.
  @_lifetime(self: copy self)
  package mutating func object() throws(JSONError) -> JSONObject {
    try open("{")
    var members = JSONObject()
    while let key = try nextKey(isFirst: members.count == 0) {
      guard members[key] == nil else { throw duplicateKey(key) }
      members[key] = try value()
    }
    return members
  }

  /// Passes over any value, with the same checks as reading it, but builds nothing.
  @_lifetime(self: copy self)
  package mutating func skip() throws(JSONError) {
    switch peek() {
    case UInt8(ascii: "{"):
      try open("{")
      var keys: Set<ByteKey> = []
      while let key = try nextKey(isFirst: keys.isEmpty) {
        guard keys.insert(ByteKey(key)).inserted else { throw duplicateKey(key) }
        try skip()
      }
    case UInt8(ascii: "["):
      try open("[")
      var isFirst = true
      while try nextElement(isFirst: isFirst) {
        try skip()
        isFirst = false
      }
    default: _ = try scalar()
    }
  }

  @_lifetime(self: copy self)
  private mutating func scalar() throws(JSONError) -> JSONValue {
    switch peek() {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try literal("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    case nil: throw failure("expected a JSON value, found the end of the text")
    default: return try number()
    }
  }
}
