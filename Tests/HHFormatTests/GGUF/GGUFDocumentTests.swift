import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFDocument")
struct GGUFDocumentTests {
  private func document(_ metadata: String) throws -> GGUFDocument {
    let text = "{\"metadata\":\(metadata)}"
    return try GGUFDocument(
      try JSONObject(parsing: Array(text.utf8).raw, file: "f"), file: "f")
  }

  @Test("a file's metadata comes back from JSON, bit for bit", arguments: ["little", "big"])
  func roundTrip(order: String) throws {
    let file = try GGUFFile(at: Fixtures.path("golden/gguf/values-\(order).gguf"))
    let document = try GGUFDocument(try file.metadataJSON(), file: "f")
    #expect(try document.keyValues() == file.keyValues())
    for (key, value) in file.header.metadata {
      guard value.array == nil else { continue }
      #expect(try document.value(key) == value, "\(key)")
    }
    #expect(try document.strings("a.strings") == file.strings("a.strings"))
    #expect(try document.value("absent") == nil && document.elements("absent") == nil)
  }

  @Test("floats that JSON cannot say are texts of their bits")
  func bits() throws {
    let document = try document(
      #"{"a":{"type":"float32","value":"0x7fc00001"},"#
        + #""b":{"type":"float64","value":"0xfff0000000000000"},"#
        + #""c":{"type":"float32","value":0.1}}"#)
    guard case .float32(let nan)? = try document.value("a") else {
      Issue.record("no float32")
      return
    }
    #expect(nan.bitPattern == 0x7FC0_0001)
    #expect(try document.value("b") == .float64(-.infinity))
    #expect(try document.value("c") == .float32(0.1))
  }

  @Test(
    "a value that does not fit its type is refused with its key",
    arguments: [
      (#"{"type":"uint8","value":256}"#, "expected a value of type uint8, found 256"),
      (#"{"type":"int8","value":1.5}"#, "expected a value of type int8, found 1.5"),
      (#"{"type":"bool","value":1}"#, "expected a value of type bool, found 1"),
      (#"{"type":"float32","value":"0xzz"}"#, "expected a value of type float32, found \"0xzz\""),
      (#"{"type":"string"}"#, "expected a value of type string, found null"),
      (#"{"type":"text","value":"x"}"#, "expected a type of GGUF, found 'text'"),
      (#"{"value":"x"}"#, "expected a type of GGUF, found 'none'"),
      (
        #"{"type":"array","value":[]}"#, "expected an array of a plain type, found 'none'"
      ),
      (
        #"{"type":"array","elementType":"array","value":[]}"#,
        "expected an array of a plain type, found 'array'"
      ),
      (
        #"{"type":"array","elementType":"int8","value":[1,200]}"#,
        "expected a value of type int8, found 200"
      ),
    ])
  func misfits(entry: String, problem: String) throws {
    let document = try document("{\"k\":\(entry)}")
    let error = #expect(throws: FormatError.self) { try document.keyValues() }
    #expect(error?.description == "f: key 'k': \(problem)")
  }

  @Test("a plain value is no array, and a document needs metadata")
  func shapes() throws {
    let document = try document(#"{"k":{"type":"uint8","value":2}}"#)
    let error = #expect(throws: FormatError.self) { try document.elements("k") }
    #expect(error?.problem == "expected an array, found 2")
    let none = #expect(throws: FormatError.self) { try GGUFDocument([:], file: "f") }
    #expect(none?.description == "f: key 'metadata': expected an object, found none")
  }
}
