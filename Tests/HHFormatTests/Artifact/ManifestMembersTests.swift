import Testing

@testable import HHFormat

@Suite("ManifestMembers")
struct ManifestMembersTests {
  /// Reads an object with `body`, as the manifest's member 'm'.
  private func read<T>(
    _ text: String, tolerant: Bool = false,
    _ body: (inout ManifestMembers) throws(FormatError) -> T
  ) throws -> T {
    try ManifestMembers.reading(
      try JSONValue(parsing: Array(text.utf8)), file: "f", path: "m", tolerant: tolerant, body)
  }

  private func problem<T>(
    _ text: String, _ body: (inout ManifestMembers) throws(FormatError) -> T
  ) -> String? {
    let error = #expect(throws: FormatError.self) { _ = try read(text, body) }
    return error.map { "\($0.place): \($0.problem)" }
  }

  @Test("members are read by kind, whatever their order")
  func kinds() throws {
    let text = #"{"z":18446744073709551615,"s":"x","n":3,"l":[1,2],"d":0.5,"b":true,"o":{"k":1}}"#
    try read(text) { (members) throws(FormatError) in
      #expect(try members.string("s") == "x")
      #expect(try members.count("n") == 3)
      #expect(try members.counts("l") == [1, 2])
      #expect(try members.double("d") == 0.5)
      #expect(try members.bool("b"))
      #expect(try members.unsigned("z") == .max)
      #expect(try members.freeObject("o") == ["k": .integer(1)])
      #expect(members.has("s") && !members.has("t"))
    }
  }

  @Test("another kind is told with what was found, a missing one by its name")
  func mismatches() {
    typealias Read = (inout ManifestMembers) throws(FormatError) -> Void
    let string: Read = { (m) throws(FormatError) in _ = try m.string("a") }
    let count: Read = { (m) throws(FormatError) in _ = try m.count("a") }
    let counts: Read = { (m) throws(FormatError) in _ = try m.counts("a") }
    let double: Read = { (m) throws(FormatError) in _ = try m.double("a") }
    let bool: Read = { (m) throws(FormatError) in _ = try m.bool("a") }
    let object: Read = { (m) throws(FormatError) in _ = try m.freeObject("a") }
    let sha256: Read = { (m) throws(FormatError) in _ = try m.sha256("a") }
    let capitals = String(repeating: "A", count: 64)
    for (text, read, expected) in [
      (#"{"a":null}"#, string, "'a': expected a string, found null"),
      (#"{"a":-1}"#, count, "'a': expected an integer from 0 up, found -1"),
      (#"{"a":[]}"#, bool, "'a': expected true or false, found a list"),
      (#"{"a":"x"}"#, double, "'a': expected a number, found 'x'"),
      (#"{"a":{}}"#, counts, "'a': expected a list, found an object"),
      (#"{"a":[1,-1]}"#, counts, "'a': expected integers from 0 up, found [1,-1]"),
      ("{}", object, "expected the member 'a', found none"),
      ("3", object, "expected an object, found 3"),
      (
        "{\"a\":\"\(capitals)\"}", sha256,
        "'a': expected 64 lower-case hexadecimal digits, found '\(capitals)'"
      ),
    ] {
      #expect(problem(text, read) == "manifest, 'm': \(expected)")
    }
  }

  @Test("members of members are named by their whole path")
  func paths() {
    #expect(
      problem(#"{"a":{"b":1}}"#) { (members) throws(FormatError) in
        try members.object("a") { (members) throws(FormatError) in try members.string("b") }
      } == "manifest, 'm.a': 'b': expected a string, found 1")
    #expect(
      problem(#"{"a":[{"b":"x"},{"b":1}]}"#) { (members) throws(FormatError) in
        try members.list("a") { (members) throws(FormatError) in try members.string("b") }
      } == "manifest, 'm.a[1]': 'b': expected a string, found 1")
    #expect(
      problem(#"{"a":{"x":{}}}"#) { (members) throws(FormatError) in
        try members.map("a") { (_, members) throws(FormatError) in try members.string("b") }
      } == "manifest, 'm.a.x': expected the member 'b', found none")
  }

  @Test("what nobody asked for is refused, unless the file is of a newer version")
  func unknown() throws {
    let text = #"{"a":1,"new":2}"#
    #expect(
      problem(text) { (members) throws(FormatError) in try members.count("a") }
        == "manifest, 'm': expected only members of the schema, found 'new'")
    #expect(try read(text, tolerant: true) { (m) throws(FormatError) in try m.count("a") } == 1)
  }
}
