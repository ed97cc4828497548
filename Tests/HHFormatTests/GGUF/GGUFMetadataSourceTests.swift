// Metadata by type, from a file and from JSON.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFMetadataSource")
struct GGUFMetadataSourceTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    try GGUFFile(at: try directory.write(bytes, to: "model.gguf"))
  }

  @Test("an array of another type than is asked for is an error that names the key")
  func arrayTypes() throws {
    let file = try open(GGUFForge.sample().bytes)
    let error = #expect(throws: FormatError.self) { try file.strings("k.counts") }
    #expect(error?.place == "key 'k.counts'")
    #expect(error?.problem == "expected an array of strings, found an array of 2 int16")
    #expect(throws: FormatError.self) { try file.integers("k.names") }
    #expect(throws: FormatError.self) { try file.floats("k.u8") }
    #expect(try file.strings("absent") == nil)
  }
}
