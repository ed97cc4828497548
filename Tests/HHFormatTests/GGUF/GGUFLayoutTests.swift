import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFLayout")
struct GGUFLayoutTests {
  private func layout(_ golden: String) throws -> (Checkpoint, GGUFLayout) {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/\(golden)"))
    return (checkpoint, GGUFLayout(try NameMap(checkpoint)))
  }

  @Test(
    "names, shapes and rows are those of llama.cpp's converter",
    arguments: ["gpt2-base", "llama-gqa", "llama-bf16", "bert-model"])
  func equalsReference(golden: String) throws {
    let (checkpoint, layout) = try layout(golden)
    let file = try GGUFFile(at: Fixtures.path("golden/gguf/\(golden).gguf"))
    var compared = 0
    for tensor in layout.tensors {
      // The converter stores the token types of one sentence only.
      guard let stored = file.tensors.first(where: { $0.name == tensor.name }) else {
        #expect(tensor.isHedgehogExtension || tensor.role.hasPrefix("pooler"), "\(tensor.name)")
        continue
      }
      guard stored.shape == tensor.shape else {
        #expect(tensor.role == "embedding.tokenType.weight", "\(tensor.name)")
        continue
      }
      guard stored.type.dtype == tensor.source.dtype else { continue }
      let rows = try checkpoint.withBytes(of: tensor.source.name) { (bytes) throws(FormatError) in
        tensor.rows(0..<tensor.rowCount, of: bytes)
      }
      #expect(rows == file.bytes(of: stored).copied(), "\(tensor.name)")
      compared += 1
    }
    #expect(layout.tensors.count >= file.tensors.count && compared > 10)
  }

  @Test("rows in bands are the whole tensor", arguments: ["gpt2-base", "llama-gqa"])
  func bands(golden: String) throws {
    let (checkpoint, layout) = try layout(golden)
    for tensor in layout.tensors {
      try checkpoint.withBytes(of: tensor.source.name) { (bytes) throws(FormatError) in
        let whole = tensor.rows(0..<tensor.rowCount, of: bytes)
        let bands = stride(from: 0, to: tensor.rowCount, by: 3).flatMap {
          tensor.rows($0..<min($0 + 3, tensor.rowCount), of: bytes)
        }
        #expect(bands == whole, "\(tensor.name)")
      }
    }
  }

  @Test("parameters of feature maps have names of their own, with the layer's number")
  func maps() throws {
    let (checkpoint, _) = try layout("gpt2-base")
    let name = "layers.1.attention.feature_map.query.weight"
    let map = TensorDescriptor(name: name, dtype: .f32, shape: [4, 5, 5], byteRange: 0..<400)
    let stray = TensorDescriptor(name: "stray", dtype: .f32, shape: [1], byteRange: 0..<4)
    let tensors = GGUFLayout(try NameMap(checkpoint), maps: [map, stray]).tensors
    #expect(tensors.last?.name == "blk.1.attn_fmap_q.weight" && tensors.last?.shape == [4, 5, 5])
    #expect(!tensors.contains { $0.source == stray })
    #expect(GGUFLayout.isMap(name) && !GGUFLayout.isMap("layers.1.attention.query.weight"))
  }

  @Test("extents of one in front of a bias are left out")
  func fixed() throws {
    let (checkpoint, layout) = try layout("vit-model")
    for tensor in layout.tensors where tensor.role.hasPrefix("embedding.") {
      #expect(tensor.shape.first != 1, "\(tensor.role)")
    }
    #expect(checkpoint.tensors.contains { $0.shape.first == 1 })
  }
}
