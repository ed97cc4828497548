// A small artifact that would fill memory is refused before anything is unpacked.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("UnpackingLimit")
struct UnpackingLimitTests {
  private let folder: TemporaryDirectory
  private let path: String
  private static let size = 80 << 20

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
    let zeros = [UInt8](repeating: 0, count: Self.size)
    _ = try ArtifactWriter.write(
      to: path, description: ArtifactSamples.description,
      tensors: [
        ArtifactTensor(name: "w", dtype: .f32, shape: [Self.size / 4], origin: .kept, bytes: zeros)
      ], options: ArtifactOptions())
  }

  @Test("a limit is what was chosen, else in proportion to the file")
  func limits() throws {
    let error = #expect(throws: FormatError.self) { try ArtifactReader(at: path) }
    #expect(error?.kind == .unsupported)
    #expect(error?.problem.contains("unpack to \(Self.size)") == true)
    #expect(error?.hint?.contains("max-unpacked \(Self.size)") == true)
    #expect(error?.remedy?.settings == [.maximumUnpacked])
    #expect(throws: FormatError.self) { try ArtifactVerifier.verify(at: path) }
    _ = try ArtifactReader(at: path, limit: .none)
    try UnpackingLimit.$chosen.withValue(.bytes(Self.size)) { _ = try Checkpoint(opening: path) }
    #expect(throws: FormatError.self) {
      try UnpackingLimit.$chosen.withValue(.bytes(Self.size - 1)) {
        try Checkpoint(opening: path)
      }
    }
  }

  @Test("weights are far from it")
  func ordinary() throws {
    let noise = folder.path("b.zst")
    try ArtifactSamples.write(to: noise)
    _ = try ArtifactReader(at: noise)
  }
}
