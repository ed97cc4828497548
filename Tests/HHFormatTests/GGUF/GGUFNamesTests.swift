// GGUF names become those of a checkpoint.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFNames")
struct GGUFNamesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func error(_ forge: GGUFForge) throws -> FormatError? {
    let path = try directory.write(forge.bytes, to: "model.gguf")
    return #expect(throws: FormatError.self) { try Checkpoint(opening: path) }
  }

  @Test("q, k and v in one matrix are taken apart")
  func fused() throws {
    var forge = GGUFForge()
    forge.add("general.architecture", "bert")
    let numbers = (0..<12).flatMap { forge.integer(Float($0).bitPattern) }
    forge.add(tensor: "blk.3.attn_qkv.weight", .f32, [6, 2], numbers)
    forge.add(tensor: "blk.3.attn_qkv.bias", .f32, [12], numbers)
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    let stem = "encoder.layer.3.attention.self"
    #expect(try checkpoint.floats(of: "\(stem).query.weight") == [0, 1, 2, 3])
    #expect(try checkpoint.floats(of: "\(stem).value.weight") == [8, 9, 10, 11])
    #expect(try checkpoint.floats(of: "\(stem).key.bias") == [4, 5, 6, 7])
    #expect(try checkpoint.bytes(of: "\(stem).key.bias").byteCount == 16)
    forge.add(tensor: "blk.3.attn_k.bias", .f32, [1], [0, 0, 0, 0])
    #expect(try error(forge)?.place == "tensor 'blk.3.attn_k.bias'")
  }
}
