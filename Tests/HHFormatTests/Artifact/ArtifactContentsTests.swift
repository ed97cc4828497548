// What may go into an artifact, and what a delta leaves out.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactContents")
struct ArtifactContentsTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("two tensors of one name are refused")
  func duplicateName() throws {
    let tensor = ArtifactTensor(name: "w", shape: [1], origin: .new, floats: [1])
    let error = #expect(throws: FormatError.self) {
      try ArtifactSamples.write(to: folder.path("a.zst"), tensors: [tensor, tensor])
    }
    #expect(error?.place == "tensor 'w'")
    #expect(try directoryEntries(of: folder.path).isEmpty)
  }

  @Test("bytes that do not fill the shape are refused")
  func wrongSize() throws {
    let tensor = ArtifactTensor(name: "w", shape: [3], origin: .new, floats: [1, 2])
    let error = #expect(throws: FormatError.self) {
      try ArtifactSamples.write(to: folder.path("a.zst"), tensors: [tensor])
    }
    #expect(error?.problem == "F32 [3]: expected 12 bytes, found 8")
    #expect(try directoryEntries(of: folder.path).isEmpty)
  }
}
