// A strict JSON parser (RFC 8259): UTF-8 only, no duplicate keys, bounded depth, exact integers.

/// Why a text is not the JSON we accept, and at which byte.
package struct JSONError: Error, Equatable {
  /// Offset of the offending byte.
  package let offset: Int
  /// What is wrong there.
  package let problem: String
}

extension JSONValue {
  /// Nesting deeper than this is refused.
  package static let maximumDepth = 64

  /// Parses one document; leading and trailing white space is allowed, anything else is not.
  package init(parsing bytes: Span<UInt8>) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }

  /// Parses one document from an array of bytes.
  package init(parsing bytes: [UInt8]) throws(JSONError) {
    try self.init(parsing: bytes.span)
  }
}

private struct JSONParser: ~Escapable {
  private let bytes: Span<UInt8>
  private var offset = 0

  @_lifetime(copy bytes)
  init(bytes: Span<UInt8>) { self.bytes = bytes }

  mutating func document() throws(JSONError) -> JSONValue {
    let result = try value(depth: 0)
    skipSpace()
    guard offset == bytes.count else { throw problem("unexpected text after the document") }
    return result
  }

  private func problem(_ text: String) -> JSONError { JSONError(offset: offset, problem: text) }
  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  @_lifetime(self: copy self)
  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      offset += 1
    }
  }

  @_lifetime(self: copy self)
  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    guard depth <= JSONValue.maximumDepth else {
      throw problem("nested deeper than \(JSONValue.maximumDepth) levels")
    }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case nil: throw problem("unexpected end of text")
    default: return try number()
    }
  }

  @_lifetime(self: copy self)
  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError)
    -> JSONValue
  {
    for byte in "\(text)".utf8 {
      guard next == byte else { throw problem("expected '\(text)'") }
      offset += 1
    }
    return value
  }

  @_lifetime(self: copy self)
  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    offset += 1
    var items: [JSONValue] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      offset += 1
      return .array(items)
    }
    while true {
      items.append(try value(depth: depth + 1))
      skipSpace()
      switch next {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "]"):
        offset += 1
        return .array(items)
      default: throw problem("expected ',' or ']'")
      }
    }
  }

  @_lifetime(self: copy self)
  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    offset += 1
    var members = JSONObject()
    skipSpace()
    if next == UInt8(ascii: "}") {
      offset += 1
      return .object(members)
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw problem("expected a quoted key") }
      let start = offset
      let key = try string()
      guard members[key] == nil else {
        throw JSONError(offset: start, problem: "duplicate key '\(key)'")
      }
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw problem("expected ':'") }
      offset += 1
      members[key] = try value(depth: depth + 1)
      skipSpace()
      switch next {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "}"):
        offset += 1
        return .object(members)
      default: throw problem("expected ',' or '}'")
      }
    }
  }

  @_lifetime(self: copy self)
  private mutating func string() throws(JSONError) -> String {
    offset += 1
    var text: [UInt8] = []
    while let byte = next {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw problem("a string that is not valid UTF-8")
        }
        return result
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw problem("a control character inside a string")
      default: text.append(byte)
      }
    }
    throw problem("unterminated string")
  }

  @_lifetime(self: copy self)
  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = next else { throw problem("unterminated string") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        guard next == UInt8(ascii: "\\") else { throw problem("a lone surrogate escape") }
        offset += 1
        guard next == UInt8(ascii: "u") else { throw problem("a lone surrogate escape") }
        offset += 1
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw problem("a lone surrogate escape") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw problem("a lone surrogate escape") }
      text.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
    default: throw problem("an unknown escape")
    }
  }

  @_lifetime(self: copy self)
  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw problem("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }

  @_lifetime(self: copy self)
  private mutating func number() throws(JSONError) -> JSONValue {
    let start = offset
    var isInteger = true
    if next == UInt8(ascii: "-") { offset += 1 }
    let leading = next
    guard try digits() == 1 || leading != UInt8(ascii: "0") else {
      throw problem("a number with a leading zero")
    }
    if next == UInt8(ascii: ".") {
      offset += 1
      isInteger = false
      _ = try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      isInteger = false
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
      _ = try digits()
    }
    var text = ""
    for index in start..<offset { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
    if isInteger {
      if let value = Int64(text) { return .integer(value) }
      if let value = UInt64(text) { return .unsigned(value) }
    }
    guard let value = Double(text), value.isFinite else { throw problem("a number out of range") }
    return .number(value)
  }

  /// Skips a run of digits and returns its length, which is at least one.
  @_lifetime(self: copy self)
  private mutating func digits() throws(JSONError) -> Int {
    let start = offset
    while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
    guard offset > start else { throw problem("expected a JSON value") }
    return offset - start
  }
}
