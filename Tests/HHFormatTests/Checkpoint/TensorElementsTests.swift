// A tensor read in pieces is the tensor read as a whole.

import HHFormat
import HHTestSupport
import Testing

@Suite("TensorElements")
struct TensorElementsTests {
  let directory: TemporaryDirectory
  /// More than one piece, and no whole number of them.
  static let count = TensorElements.pieceCount + 4096

  init() throws { directory = try TemporaryDirectory() }

  @Test("of a safetensors file and of an artifact, in either layout", arguments: [4096, 1 << 20])
  func safetensors(frameSize: Int) throws {
    var forge = FileForge(seed: 5)
    let tensors: [(String, DType, [Int], [UInt8])] = [
      ("f", .bf16, [Self.count / 64, 64], forge.bytes(Self.count * 2)),
      ("i", .u8, [Self.count], forge.bytes(Self.count)), ("e", .f32, [0, 3], []),
      ("n", .f4, [Self.count], forge.bytes(Self.count / 2)),
    ]
    let file = directory.path("a.safetensors")
    try SafetensorsWriter.write(to: file, tensors: tensors, metadata: [])
    let artifact = directory.path("a.zst")
    _ = try ArtifactWriter.write(
      to: artifact,
      description: ArtifactDescription(
        producer: .init(name: "test", version: "0"), architecture: .init(name: "none", config: [:]),
        provenance: Provenance(sources: [], recipe: [:], seed: 0)),
      tensors: tensors.map {
        ArtifactTensor(name: $0.0, dtype: $0.1, shape: $0.2, origin: .kept, bytes: $0.3)
      }, options: ArtifactOptions(frameSize: frameSize))
    for path in [file, artifact] {
      let checkpoint = try Checkpoint(opening: path)
      for (name, _, _, bytes) in tensors { #expect(try read(name, of: checkpoint) == bytes) }
    }
  }

  @Test("of a GGUF file, quantised and not", arguments: [GGMLType.q8_0, .q4K, .f32])
  func gguf(type: GGMLType) throws {
    var forge = FileForge(seed: 6)
    var file = GGUFForge()
    file.add("general.architecture", "example")
    let shape = [Self.count / 256, 256]
    let bytes = forge.bytes(try #require(type.byteCount(ofElements: Self.count)))
    file.add(tensor: "x", type, shape, bytes)
    let checkpoint = try Checkpoint(opening: try directory.write(file.bytes, to: "a.gguf"))
    let whole = try checkpoint.withBytes(of: "x") { (all) throws(FormatError) in all.copied() }
    #expect(try read("x", of: checkpoint) == whole)
  }

  private func read(_ name: String, of checkpoint: Checkpoint) throws -> [UInt8] {
    let count = try #require(checkpoint[name]).elementCount
    let elements = try checkpoint.elements(of: name)
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: count, by: TensorElements.pieceCount) {
      bytes += try elements.withBytes(in: start..<min(count, start + TensorElements.pieceCount)) {
        (piece) throws(FormatError) in piece.copied()
      }
    }
    return bytes
  }
}
