// Tensors lend the bytes of memory and of mapped files.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactTensor")
struct ArtifactTensorTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
  }

  @Test("a mapped tensor is copied without a detour")
  func mappedTensor() throws {
    var forge = FileForge(seed: 4)
    let source = try folder.write(
      forge.safetensors([("a", .f32, [5, 7]), ("b", .bf16, [300])]), to: "model.safetensors")
    let file = try SafetensorsFile(at: source)
    let mapped = try MappedFile(at: source)
    try ArtifactSamples.write(
      to: path, tensors: file.tensors.map { ArtifactTensor($0, in: mapped) })
    let reader = try ArtifactReader(at: path)
    for tensor in file.tensors {
      #expect(try reader.read(tensor.name) == file.bytes(of: tensor).copied())
    }
  }
}
