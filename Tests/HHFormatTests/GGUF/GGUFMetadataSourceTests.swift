// Metadata by type, from a file and from JSON.

import HHTestSupport
import Testing

@testable import HHFormat

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

  @Test("values are got by kind, and absent ones are nil")
  func kinds() throws {
    let file = try open(GGUFForge.sample().bytes)
    #expect(try file.string("general.architecture") == "example")
    #expect(try file.integer("k.i16") == -30000)
    #expect(try file.number("k.f32") == 1e-5 && file.number("k.u8") == 200)
    #expect(try file.string("absent") == nil && file.integer("absent") == nil)
    #expect(try file.number("absent") == nil)
    for (read, problem) in [
      ({ _ = try file.string("k.u8") }, "expected a string, found 200"),
      ({ _ = try file.integer("k.f32") }, "expected a whole number, found 1e-05"),
      ({ _ = try file.number("k.bool") }, "expected a number, found true"),
      ({ _ = try file.integer("k.u64") }, "expected a whole number, found 1.8446744073709552e+19"),
    ] as [(() throws -> Void, String)] {
      let error = #expect(throws: FormatError.self) { try read() }
      #expect(error?.problem == problem)
    }
  }

  @Test("a number for each layer is one where all are the same")
  func layers() throws {
    var forge = GGUFForge()
    let (four, five) = (forge.integer(UInt32(4)), forge.integer(UInt32(5)))
    forge.add("same", .array, forge.array(.uint32, 2, four + four))
    forge.add("other", .array, forge.array(.uint32, 2, four + five))
    forge.add("none", .array, forge.array(.uint32, 0, []))
    let file = try open(forge.bytes)
    #expect(try file.integer("same") == 4)
    let several = #expect(throws: FormatError.self) { try file.integer("other") }
    #expect(
      several?.problem
        == "expected the same number for every layer, found 4 for layer 0 and 5 for layer 1")
    #expect(several?.kind == .unsupported)
    let none = #expect(throws: FormatError.self) { try file.integer("none") }
    #expect(none?.problem == "expected a whole number, found an array of 0 uint32")
  }

  @Test("a number that is not finite is none")
  func infinite() throws {
    var forge = GGUFForge()
    forge.add("x", .float32, forge.integer(Float.infinity.bitPattern))
    let file = try open(forge.bytes)
    #expect(throws: FormatError.self) { try file.number("x") }
  }
}
