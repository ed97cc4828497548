// Header and manifest of an artifact must say the same.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactHeader")
struct ArtifactHeaderTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
  }

  @Test("a compressed safetensors file without a manifest is refused as that")
  func noManifest() throws {
    let header = try SafetensorsWriter.header(tensors: [], metadata: [("format", "pt")])
    let frame = try FrameCompressor().compress(header.raw, as: .general)
    var table = SeekTable()
    try table.append(frame: frame, contentSize: header.count)
    try folder.write(frame + table.encoded(), to: "a.zst")
    let error = #expect(throws: FormatError.self) { try ArtifactReader(at: path) }
    #expect(error?.hint?.contains("not an artifact") == true)
  }
}
