// A pull reader of strict JSON (RFC 8259): the caller asks for what it expects, and no tree is
// built.

/// Why a text is not the JSON that is accepted, and at which byte.
package struct JSONError: Error, Equatable {
  /// Offset of the offending byte.
  package let offset: Int
  /// What is wrong there.
  package let problem: String

  /// Creates an error.
  package init(offset: Int, problem: String) {
    self.offset = offset
    self.problem = problem
  }
}

/// Reads one JSON text from front to back.
///
/// UTF-8 only, no comments, no trailing commas, nesting bounded by `maximumDepth` and the number of
/// elements and members by `maximumItems`. That no key occurs twice is for the caller to check.
package struct JSONReader: ~Escapable {
  /// Deeper nesting of arrays and objects than this is refused.
  package static let maximumDepth = 64
  /// More elements of arrays and members of objects than this, all together, are refused: each
  /// takes some fifty bytes of memory. Llama 3's tokenizer has one million.
  package static let maximumItems = 2_000_000

  private let bytes: Span<UInt8>
  /// Offset of the next byte to read.
  package private(set) var offset = 0
  /// Offset of the key that `nextKey` read last.
  package private(set) var keyOffset = 0
  private var depth = 0
  private var items = 0

  /// Reads from the start of `bytes`.
  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// An error at the key that was read last, which its object has already.
  package func duplicateKey(_ key: String) -> JSONError {
    JSONError(offset: keyOffset, problem: "expected each key once, found \(quoted(key)) twice")
  }

  /// An error at the next byte.
  package func failure(_ problem: String) -> JSONError {
    JSONError(offset: offset, problem: problem)
  }

  /// An error at the next byte that says what was expected, and what was found there.
  private func expected(_ what: String) -> JSONError {
    let found =
      switch next {
      case nil: "the end of the text"
      case .some(let byte) where (0x20..<0x7F).contains(byte): "'\(Unicode.Scalar(byte))'"
      case .some(let byte): "the byte \(byte)"
      }
    return failure("expected \(what), found \(found)")
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  /// The next byte that is not white space, which stays unread; nil at the end.
  @_lifetime(self: copy self)
  package mutating func peek() -> UInt8? {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      offset += 1
    }
    return next
  }

  /// Reads white space up to the end of the text; anything else is an error.
  @_lifetime(self: copy self)
  package mutating func end() throws(JSONError) {
    guard peek() == nil else { throw expected("the end of the document") }
  }

  // MARK: Arrays and objects

  /// Reads `bracket`, one of `{` and `[`.
  @_lifetime(self: copy self)
  package mutating func open(_ bracket: Unicode.Scalar) throws(JSONError) {
    guard peek() == UInt8(ascii: bracket) else { throw expected("'\(bracket)'") }
    guard depth < JSONReader.maximumDepth else {
      throw failure("expected at most \(JSONReader.maximumDepth) levels of nesting, found more")
    }
    offset += 1
    depth += 1
  }

  /// Moves to the next element of an open array; false where the array ends, which closes it.
  /// `isFirst` says that no element was read yet.
  @_lifetime(self: copy self)
  package mutating func nextElement(isFirst: Bool) throws(JSONError) -> Bool {
    try nextItem(isFirst: isFirst, closing: "]")
  }

  /// Reads the next key of an open object with its colon; nil where the object ends, which closes
  /// it. `isFirst` says that no member was read yet.
  @_lifetime(self: copy self)
  package mutating func nextKey(isFirst: Bool) throws(JSONError) -> String? {
    guard try nextItem(isFirst: isFirst, closing: "}") else { return nil }
    guard peek() == UInt8(ascii: "\"") else { throw expected("a quoted key") }
    keyOffset = offset
    let key = try string()
    guard peek() == UInt8(ascii: ":") else { throw expected("':'") }
    offset += 1
    return key
  }

  @_lifetime(self: copy self)
  private mutating func nextItem(
    isFirst: Bool, closing bracket: Unicode.Scalar
  ) throws(JSONError) -> Bool {
    let byte = peek()
    if byte == UInt8(ascii: bracket) {
      offset += 1
      depth -= 1
      return false
    }
    items += 1
    guard items <= JSONReader.maximumItems else {
      throw failure(
        "expected at most \(JSONReader.maximumItems) elements and members, found more")
    }
    if isFirst { return true }
    guard byte == UInt8(ascii: ",") else { throw expected("',' or '\(bracket)'") }
    offset += 1
    return true
  }

  // MARK: Scalars

  /// Reads `true`, `false` or `null`.
  @_lifetime(self: copy self)
  package mutating func literal(_ text: String) throws(JSONError) {
    _ = peek()
    for byte in text.utf8 {
      guard next == byte else { throw expected("'\(text)'") }
      offset += 1
    }
  }

  /// Reads an integer that is not negative: digits only, no leading zero, at most `UInt64.max`.
  @_lifetime(self: copy self)
  package mutating func unsignedInteger() throws(JSONError) -> UInt64 {
    _ = peek()
    let start = offset
    var value: UInt64 = 0
    while let byte = next, (0x30...0x39).contains(byte) {
      let (tens, tensOverflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = tens.addingReportingOverflow(UInt64(byte - 0x30))
      guard !tensOverflow, !overflow else {
        throw failure("expected an integer of at most 64 bits, found a larger one")
      }
      value = sum
      offset += 1
    }
    let isWhole =
      switch next {
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): false
      default: true
      }
    guard offset > start, isWhole else { throw expected("an integer of at least 0") }
    guard offset == start + 1 || bytes[start] != 0x30 else {
      throw failure("expected a number, found one with a leading zero")
    }
    return value
  }

  /// Reads any number. An integer stays exact up to 64 bits; beyond, it becomes a double.
  @_lifetime(self: copy self)
  package mutating func number() throws(JSONError) -> JSONValue {
    _ = peek()
    let start = offset
    var isInteger = true
    if next == UInt8(ascii: "-") { offset += 1 }
    let leading = next
    guard try digits() == 1 || leading != UInt8(ascii: "0") else {
      throw failure("expected a number, found one with a leading zero")
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
    let text = try self.text(start..<offset)
    if isInteger {
      if let value = Int(text) { return .integer(value) }
      if let value = UInt64(text) { return .unsigned(value) }
    }
    guard let value = Double(text), value.isFinite else {
      throw failure("expected a number that a double can hold, found \(quoted(text))")
    }
    return .number(value)
  }

  /// Skips a run of digits and returns its length, which is at least one.
  @_lifetime(self: copy self)
  private mutating func digits() throws(JSONError) -> Int {
    let start = offset
    while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
    guard offset > start else { throw expected("a JSON value") }
    return offset - start
  }

  // MARK: Strings

  /// Reads a string with its quotes.
  @_lifetime(self: copy self)
  package mutating func string() throws(JSONError) -> String {
    guard peek() == UInt8(ascii: "\"") else { throw expected("a string") }
    offset += 1
    let start = offset
    try skipPlainText()
    if bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      return try text(start..<offset - 1)
    }
    // An escape: collect runs of plain text and what the escapes stand for.
    var collected = ""
    var runStart = start
    while true {
      collected += try text(runStart..<offset)
      offset += 1
      if bytes[offset - 1] == UInt8(ascii: "\"") { return collected }
      collected.unicodeScalars.append(try escape())
      runStart = offset
      try skipPlainText()
    }
  }

  /// Moves to the next quote or backslash.
  @_lifetime(self: copy self)
  private mutating func skipPlainText() throws(JSONError) {
    var index = offset
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
      index += 1
    }
    offset = index
    guard index < bytes.count else { throw expected("the end of a string") }
    guard bytes[index] >= 0x20 else { throw expected("an escape for a control character") }
  }

  /// The bytes of a range as text; a run between quotes and escapes is valid UTF-8 on its own.
  private func text(_ range: Range<Int>) throws(JSONError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes.extracting(range)))
    } catch {
      throw JSONError(
        offset: range.lowerBound, problem: "expected a string of UTF-8, found other bytes")
    }
  }

  /// Reads what follows a backslash.
  @_lifetime(self: copy self)
  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    guard let byte = next else { throw expected("an escape") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default:
      offset -= 1
      throw expected("an escape")
    }
  }

  /// Reads the four digits of `\uXXXX`, and a second escape where they are half of a pair.
  @_lifetime(self: copy self)
  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let start = offset - 2
    var code = try fourHexadecimalDigits()
    if (0xD800..<0xDC00).contains(code), next == UInt8(ascii: "\\") {
      offset += 1
      if next == UInt8(ascii: "u") {
        offset += 1
        let low = try fourHexadecimalDigits()
        if (0xDC00..<0xE000).contains(low) {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
      }
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONError(offset: start, problem: "expected a pair of surrogates, found one alone")
    }
    return scalar
  }

  @_lifetime(self: copy self)
  private mutating func fourHexadecimalDigits() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch next {
      case .some(let byte) where (0x30...0x39).contains(byte): digit = byte - 0x30
      case .some(let byte) where (0x41...0x46).contains(byte): digit = byte - 0x41 + 10
      case .some(let byte) where (0x61...0x66).contains(byte): digit = byte - 0x61 + 10
      default: throw expected("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}
