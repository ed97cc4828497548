// GGUF models as checkpoints: the tensors of their sources, whatever their type and byte order.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFTensors")
struct GGUFTensorsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func bytes(_ checkpoint: Checkpoint, _ name: String) throws(FormatError) -> [UInt8] {
    try checkpoint.withBytes(of: name) { (raw) throws(FormatError) in raw.copied() }
  }

  @Test(
    "a converted model has the names, shapes, types and bytes of its source",
    arguments: [
      "gpt2-base", "llama-gqa", "llama-bf16", "llama-bias-linear-rope", "llama-mqa-head-dim",
    ])
  func equalsSource(_ name: String) throws {
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    let gguf = try Checkpoint(opening: Fixtures.path("golden/gguf/\(name).gguf"))
    #expect(gguf.format == "gguf")
    #expect(gguf.configurationPath == nil)
    let kept = source.tensors.filter { !$0.name.hasSuffix(".attn.bias") }
    #expect(Set(gguf.tensors.map(\.name)) == Set(kept.map(\.name)))
    for tensor in kept {
      let found = try #require(gguf[tensor.name])
      #expect(found.shape == tensor.shape, "\(tensor.name)")
      #expect(try gguf.floats(of: tensor.name) == source.floats(of: tensor.name), "\(tensor.name)")
      // The converter stores vectors as F32 whatever they were.
      guard found.dtype == tensor.dtype else {
        #expect(tensor.shape.count == 1 && found.dtype == .f32)
        continue
      }
      #expect(try bytes(gguf, tensor.name) == bytes(source, tensor.name), "\(tensor.name)")
    }
  }

  /// A model of one layer with two heads of four, one key/value head, and its tensors' bytes.
  private func llama(isBigEndian: Bool = false, type: GGMLType = .f32) -> GGUFForge {
    var forge = GGUFForge(isBigEndian: isBigEndian)
    forge.add("general.architecture", "llama")
    forge.add("llama.block_count", 1)
    forge.add("llama.attention.head_count", 2)
    forge.add("llama.attention.head_count_kv", 1)
    let columns = type.elementsPerBlock
    for (name, rows) in [("q", 8), ("k", 4), ("v", 4)] {
      let data = (0..<rows).flatMap { row -> [UInt8] in
        if type == .f32 { return forge.integer(Float(row).bitPattern) }
        return forge.integer(UInt16(0x3C00)) + Array(repeating: UInt8(row), count: 32)
      }
      forge.add(tensor: "blk.0.attn_\(name).weight", type, [rows, columns], data)
    }
    return forge
  }

  @Test(
    "rows of q and k come back in the order of the halves, whatever the type and byte order",
    arguments: [(false, GGMLType.f32), (true, .f32), (false, .q8_0), (true, .q8_0)])
  func interleaved(isBigEndian: Bool, type: GGMLType) throws {
    let forge = llama(isBigEndian: isBigEndian, type: type)
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    let columns = type.elementsPerBlock
    func rows(_ name: String) throws -> [Float] {
      let values = try checkpoint.floats(of: "model.layers.0.self_attn.\(name)_proj.weight")
      return stride(from: 0, to: values.count, by: columns).map { values[$0] }
    }
    #expect(try rows("q") == [0, 2, 1, 3, 4, 6, 5, 7])
    #expect(try rows("k") == [0, 2, 1, 3])
    #expect(try rows("v") == [0, 1, 2, 3])
    #expect(checkpoint.tensors.allSatisfy { $0.dtype == .f32 })
    let stored = try checkpoint.storedType(of: "model.layers.0.self_attn.q_proj.weight")
    #expect(stored == type.name)
    for tensor in checkpoint.tensors {
      #expect(try bytes(checkpoint, tensor.name).count == tensor.byteCount)
      #expect(try checkpoint.firstNonFinite(tensor.name) == nil)
    }
  }

  @Test("a quantised tensor has no bytes in the file, and its first bad scale is found")
  func quantised() throws {
    var forge = GGUFForge()
    forge.add("general.architecture", "gpt2")
    let good = forge.integer(UInt16(0x3C00)) + Array(repeating: UInt8(1), count: 32)
    let bad = forge.integer(UInt16(0x7C00)) + Array(repeating: UInt8(1), count: 32)
    forge.add(tensor: "token_embd.weight", .q8_0, [2, 64], good + good + bad + good)
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    let name = "transformer.wte.weight"
    #expect(try checkpoint.firstNonFinite(name) == 64)
    let error = #expect(throws: FormatError.self) { _ = try checkpoint.bytes(of: name).byteCount }
    #expect(error?.kind == .unsupported)
    #expect(checkpoint[name]?.byteCount == 512)
  }

  @Test("rows without columns cost no time, however many the file claims")
  func emptyRows() throws {
    var forge = GGUFModelDefect.llama
    for index in forge.tensors.indices {
      forge.tensors[index].extents = [0, 1 << 62]
      forge.tensors[index].data = []
    }
    let checkpoint = try Checkpoint(opening: try directory.write(forge.bytes, to: "m.gguf"))
    for tensor in checkpoint.tensors {
      #expect(try bytes(checkpoint, tensor.name).isEmpty)
      #expect(try checkpoint.floats(of: tensor.name).isEmpty)
    }
  }
}
