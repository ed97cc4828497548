import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFCursor")
struct GGUFCursorTests {
  @Test("integers and strings are read in the file's byte order", arguments: [false, true])
  func orders(isBigEndian: Bool) throws {
    let forge = GGUFForge(isBigEndian: isBigEndian)
    let bytes = [7] + forge.integer(UInt32(0x0102_0304)) + forge.string("Größe")
    var cursor = GGUFCursor(bytes.raw, file: "f")
    cursor.isBigEndian = isBigEndian
    let (byte, word): (UInt8, UInt32) = (try cursor.integer("a"), try cursor.integer("b"))
    #expect(byte == 7 && word == 0x0102_0304)
    let text = try cursor.string("name")
    #expect(text == "Größe")
    let (offset, remaining) = (cursor.offset, cursor.remaining)
    #expect(offset == bytes.count && remaining == 0)
  }

  /// The error of reading `bytes` with `body`.
  private func error(
    _ bytes: [UInt8], _ body: (inout GGUFCursor) throws(FormatError) -> Void
  ) -> FormatError? {
    var cursor = GGUFCursor(bytes.raw, file: "f")
    cursor.subject = .value(of: "k")
    do {
      try body(&cursor)
      Issue.record("expected an error")
      return nil
    } catch {
      return error
    }
  }

  @Test("what ends too early says how much is missing")
  func short() {
    let cut = error([1, 2, 3]) { (cursor) throws(FormatError) in
      _ = try cursor.integer("size", as: UInt32.self)
    }
    #expect(cut?.description.hasPrefix("f: key 'k': size: expected 4 more bytes, found 3") == true)
    #expect(cut?.hint == "the file is cut short; copy or download it again")
    let text = error(GGUFForge().length(5) + [65]) { (cursor) throws(FormatError) in
      _ = try cursor.string("name")
    }
    #expect(text?.problem == "name: expected 5 more bytes, found 1")
  }

  @Test("strings too long to believe or not of UTF-8, and odd truth values and types, are refused")
  func refused() {
    let long = error(GGUFForge().length(11)) { (cursor) throws(FormatError) in
      _ = try cursor.string("name", limit: 10)
    }
    #expect(long?.problem == "length of name: expected at most 10 bytes, found 11")
    let other = error(GGUFForge().length(1) + [0xFF]) { (cursor) throws(FormatError) in
      _ = try cursor.string("name")
    }
    #expect(other?.problem == "name: expected UTF-8, found other bytes")
    let truth = error([2]) { (cursor) throws(FormatError) in _ = try cursor.value(.bool) }
    #expect(truth?.problem == "expected 0 or 1 as a truth value, found 2")
    let type = error([13, 0, 0, 0]) { (cursor) throws(FormatError) in
      _ = try cursor.valueType("type")
    }
    #expect(type?.problem == "type: expected a number from 0 to 12, found 13")
  }

  @Test("an array's elements are stepped over, each of them checked")
  func arrays() throws {
    let forge = GGUFForge()
    let bytes = forge.array(.string, 2, forge.string("a") + forge.string("bc")) + [9]
    var cursor = GGUFCursor(bytes.raw, file: "f")
    let value = try cursor.value(.array)
    let rest = cursor.remaining
    #expect(rest == 1)
    #expect(
      value == .array(GGUFArray(elementType: .string, count: 2, byteRange: 12..<bytes.count - 1)))
    for (elements, problem) in [
      (forge.array(.bool, 2, [1, 2]), "expected 0 or 1 as a truth value, found 2"),
      (
        forge.array(.int32, 3, [0, 0, 0, 0]),
        "3 elements: expected at least 12 more bytes, found 4"
      ),
      (
        forge.array(.int8, 1 << 30 + 1, []),
        "number of elements: expected at most 1073741824, found 1073741825"
      ),
    ] {
      let found = error(elements) { (cursor) throws(FormatError) in _ = try cursor.value(.array) }
      #expect(found?.problem == problem)
    }
  }

  @Test("an error says what was being read")
  func subjects() {
    let nothing: [UInt8] = []
    var cursor = GGUFCursor(nothing.raw, file: "f")
    var places: [String] = []
    for subject in [
      GGUFCursor.Subject.header, .key(number: 3), .value(of: "k"), .tensor(number: 4),
      .entry(of: "w"),
    ] {
      cursor.subject = subject
      places.append(cursor.error("x").place)
    }
    #expect(places == ["header", "key number 3", "key 'k'", "tensor number 4", "tensor 'w'"])
  }
}
