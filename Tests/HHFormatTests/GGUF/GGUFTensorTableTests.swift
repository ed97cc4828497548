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
}
