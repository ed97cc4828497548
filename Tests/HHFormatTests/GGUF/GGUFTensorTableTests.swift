// Where the tensors of a table lie.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFTensorTable")
struct GGUFTensorTableTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    try GGUFFile(at: try directory.write(bytes, to: "model.gguf"))
  }

  @Test("missing padding at the end, a file of keys only and an empty tensor are accepted")
  func leniency() throws {
    var forge = GGUFForge.sample()
    forge.padsEnd = false
    forge.tensors.removeLast()
    #expect(try open(forge.bytes).tensors.count == 2)
    forge.tensors = []
    #expect(try open(forge.bytes).tensors.isEmpty)
    forge.add(tensor: "empty", .f16, [0, 7], [])
    forge.add(tensor: "scalar", .f32, [], [0, 0, 0x80, 0x3F])
    #expect(try open(forge.bytes).tensors.map(\.shape) == [[0, 7], []])
  }

  @Test("data follow each other at the alignment, and nothing follows the last")
  func places() throws {
    var forge = GGUFForge()
    for (name, count) in [("a", 1), ("b", 33), ("c", 0), ("d", 5)] {
      forge.add(tensor: name, .i8, [count], [UInt8](repeating: 7, count: count))
    }
    let tensors = try open(forge.bytes).tensors
    let start = try #require(tensors.first).byteRange.lowerBound
    #expect(start.isMultiple(of: 32))
    #expect(tensors.map { $0.byteRange.lowerBound - start } == [0, 32, 96, 96])
    #expect(tensors.map(\.byteRange.count) == [1, 33, 0, 5])
    forge.trailing = [0]
    let error = #expect(throws: FormatError.self) { try open(forge.bytes) }
    #expect(error?.place == "tensor 'd'")
    #expect(error?.problem == "expected the end of the file, found 1 more bytes")
  }
}
