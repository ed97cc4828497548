// What may go into an artifact, and what a delta leaves out.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactContents")
struct ArtifactContentsTests {
  private func contents(
    _ tensors: [ArtifactTensor], files: [SidecarFile] = [], delta: Bool = false
  ) throws(FormatError) -> ArtifactContents {
    try ArtifactContents(
      tensors, files: files, path: "a", options: ArtifactOptions(frameSize: 1024, delta: delta))
  }

  private func error(
    _ tensors: [ArtifactTensor], files: [SidecarFile] = []
  ) -> FormatError? {
    #expect(throws: FormatError.self) { _ = try contents(tensors, files: files) }
  }

  @Test("two tensors of one name, or of a file's, are refused")
  func duplicateName() {
    let tensor = ArtifactTensor(name: "w", shape: [1], origin: .new, floats: [1])
    #expect(error([tensor, tensor])?.description == "a: tensor 'w': named twice")
    let file = ArtifactTensor(name: "hedgehog.files/x", shape: [1], origin: .new, floats: [1])
    #expect(
      error([file], files: [.init(name: "x", content: [])])?.place
        == "tensor 'hedgehog.files/x'")
  }

  @Test("bytes that do not fill the shape, and a shape without a size, are refused")
  func wrongSize() {
    let short = ArtifactTensor(name: "w", shape: [3], origin: .new, floats: [1, 2])
    #expect(error([short])?.problem == "F32 [3]: expected 12 bytes, found 8")
    let huge = ArtifactTensor(name: "w", shape: [1 << 40, 1 << 40], origin: .new, floats: [])
    #expect(
      error([huge])?.problem == "shape [1099511627776, 1099511627776] has no size in bytes as F32")
  }

  @Test("a whole artifact stores every tensor, then the files as tensors")
  func whole() throws {
    let (tensors, files) = (ArtifactSamples.fewTensors(), ArtifactSamples.files)
    let contents = try contents(tensors, files: files)
    let names = tensors.map(\.name) + files.map { "hedgehog.files/\($0.name)" }
    #expect(contents.tensors.map(\.name) == names && contents.written.map(\.name) == names)
    let digests = contents.provisionalDigests
    #expect(digests.prefix(tensors.count).allSatisfy { $0 == ContentDigest.zeros })
    #expect(digests.suffix(files.count) == files.map { ContentDigest.of($0.content) }[...])
    let manifest = contents.manifest(ArtifactSamples.description, digests: digests)
    #expect(manifest.tensors.map(\.name) == names && manifest.base == nil)
    #expect(manifest.files.map(\.name) == files.map(\.name))
  }

  @Test("a delta stores what was not kept, and lists the rest as its base's")
  func delta() throws {
    let tensors = ArtifactSamples.tensors()
    let contents = try contents(tensors, files: ArtifactSamples.files, delta: true)
    let kept = tensors.filter { $0.origin == .kept }
    #expect(!kept.isEmpty && kept.count < tensors.count)
    // Digests are made of all of them.
    #expect(contents.tensors.map(\.name) == tensors.map(\.name))
    let digests = tensors.indices.map { ContentDigest.of([UInt8(truncatingIfNeeded: $0)]) }
    let manifest = contents.manifest(ArtifactSamples.description, digests: digests)
    #expect(manifest.tensors.map(\.name) == contents.written.map(\.name))
    #expect(manifest.tensors.allSatisfy { $0.origin != .kept })
    let base = try #require(manifest.base)
    #expect(base.tensors.map(\.name) == kept.map(\.name))
    let of = Dictionary(uniqueKeysWithValues: zip(tensors.map(\.name), digests))
    #expect(base.tensors.allSatisfy { $0.sha256 == of[$0.name] })
    #expect(manifest.tensors.allSatisfy { $0.sha256 == of[$0.name] })
    #expect(manifest.files.isEmpty && base.files.map(\.name) == ArtifactSamples.files.map(\.name))
  }
}
