// A range of a tensor is that range of the whole, in every format and layout.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("TensorSource")
struct TensorSourceTests {
  @Test(
    "ranges put together are the whole tensor",
    arguments: [
      "models/gpt2", "golden/forward/llama-gqa", "golden/gguf/llama-gqa.gguf",
      "golden/gguf/gpt2-base.gguf", "golden/gguf/bert-model.gguf",
    ])
  func ranges(_ path: String) throws {
    try expectRanges(of: try Checkpoint(opening: Fixtures.path(path)))
  }

  @Test("an artifact's too")
  func artifact() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("a.zst")
    try ArtifactSamples.write(to: path)
    try expectRanges(of: try Checkpoint(opening: path))
  }

  @Test(
    "rows in another order and columns for rows, from blocks of either byte order",
    arguments: [false, true], [GGMLType.f32, .f16, .q8_0])
  func arranged(isBigEndian: Bool, type: GGMLType) throws {
    let folder = try TemporaryDirectory()
    var bytes = FileForge(seed: 8)
    /// Values that are finite in every type.
    func data(_ rows: Int, _ columns: Int, _ forge: GGUFForge) -> [UInt8] {
      (0..<rows * columns / type.elementsPerBlock).flatMap { _ -> [UInt8] in
        switch type {
        case .f32: forge.integer(Float(bytes.next(below: 1000)).bitPattern)
        case .f16: forge.integer(UInt16(bytes.next(below: 0x7000)))
        default: forge.integer(UInt16(0x3C00)) + bytes.bytes(32)
        }
      }
    }
    var llama = GGUFForge(isBigEndian: isBigEndian)
    llama.add("general.architecture", "llama")
    llama.add("llama.block_count", 1)
    llama.add("llama.attention.head_count", 4)
    llama.add("llama.attention.head_count_kv", 2)
    llama.add(tensor: "blk.0.attn_q.weight", type, [64, 32], data(64, 32, llama))
    llama.add(tensor: "blk.0.attn_k.weight", type, [32, 32], data(32, 32, llama))
    llama.add(tensor: "blk.0.attn_v.weight", type, [32, 32], data(32, 32, llama))
    try expectRanges(of: try Checkpoint(opening: try folder.write(llama.bytes, to: "llama.gguf")))
    var gpt2 = GGUFForge(isBigEndian: isBigEndian)
    gpt2.add("general.architecture", "gpt2")
    gpt2.add(tensor: "blk.0.attn_output.weight", type, [96, 160], data(96, 160, gpt2))
    let checkpoint = try Checkpoint(opening: try folder.write(gpt2.bytes, to: "gpt2.gguf"))
    #expect(checkpoint.tensors.first?.shape == [160, 96])
    try expectRanges(of: checkpoint)
  }

  private func expectRanges(of checkpoint: Checkpoint) throws {
    for tensor in checkpoint.tensors {
      let whole = try checkpoint.withBytes(of: tensor.name) { $0.copied() }
      #expect(whole.count == tensor.byteCount)
      let width = max(1, tensor.dtype.bitWidth / 8)
      for step in [width * 37, width * 1000, 4 << 20] {
        var parts: [UInt8] = []
        for start in stride(from: 0, to: whole.count, by: step) {
          let range = start..<min(start + step, whole.count)
          parts += try checkpoint.withBytes(of: tensor.name, in: range) { $0.copied() }
        }
        #expect(parts == whole, "\(tensor.name) in steps of \(step)")
      }
      if tensor.dtype == .f32 {
        let bits = try checkpoint.floats(of: tensor.name).flatMap { value in
          (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        #expect(bits == whole)
      }
    }
  }
}
