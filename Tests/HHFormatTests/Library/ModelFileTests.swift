// What other packages read by `import HHFormat`, through its public names alone.

import HHFormat
import HHTestSupport
import Testing

@Suite("ModelFile")
struct ModelFileTests {
  @Test(
    "a folder, a file, GGUF and an artifact are read alike",
    arguments: [
      ("models/gpt2", "safetensors"), ("models/gpt2/model.safetensors", "safetensors"),
      ("golden/gguf/llama-gqa.gguf", "gguf"),
      ("artifacts/1.1-whole.hedgehog.safetensors.zst", "artifact"),
      ("artifacts/2.0-blocks.hedgehog.safetensors.zst", "artifact"),
    ])
  func formats(_ path: String, _ format: String) throws {
    let model = try ModelFile(opening: Fixtures.path(path))
    #expect(model.format == format)
    let checkpoint = try Checkpoint(opening: Fixtures.path(path))
    #expect(model.tensors.map(\.name) == checkpoint.tensors.map(\.name))
    for tensor in model.tensors {
      let bytes = try checkpoint.withBytes(of: tensor.name) { $0.copied() }
      #expect(try model.bytes(of: tensor.name) == bytes, "\(tensor.name)")
      guard tensor.type == "F32" else { continue }
      let floats = try model.floats(of: tensor.name)
      #expect(floats.count == tensor.shape.reduce(1, *))
      #expect(
        floats.map(\.bitPattern).flatMap { word in
          (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        } == bytes, "\(tensor.name)")
    }
  }

  @Test("quantised tensors say what they are stored in")
  func blocks() throws {
    let model = try ModelFile(
      opening: Fixtures.path("artifacts/2.0-blocks.hedgehog.safetensors.zst"))
    let quantised = model.tensors.filter { $0.storedType != $0.type }
    #expect(!quantised.isEmpty && quantised.allSatisfy { $0.type == "F32" })
  }

  @Test("what is wrong is one sentence that names the file")
  func errors() throws {
    let folder = try TemporaryDirectory()
    let absent = #expect(throws: ModelFile.ReadError.self) {
      try ModelFile(opening: folder.path("absent.safetensors"))
    }
    #expect(absent?.description.contains("absent.safetensors: ") == true)
    let path = try folder.write([1, 2, 3], to: "short.safetensors")
    let damaged = #expect(throws: ModelFile.ReadError.self) { try ModelFile(opening: path) }
    #expect(damaged?.description.contains("\n") == false)
    let model = try ModelFile(opening: Fixtures.path("models/gpt2"))
    #expect(throws: ModelFile.ReadError.self) { try model.floats(of: "nothing") }
  }
}
