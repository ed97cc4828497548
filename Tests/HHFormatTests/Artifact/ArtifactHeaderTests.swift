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

  /// A manifest of two tensors, and the header that says the same.
  private static let manifest = ArtifactManifest(
    version: .current, description: ArtifactSamples.description, frameSize: 1024,
    tensors: [
      .init(
        name: "w", dtype: .bf16, shape: [2, 3], layout: .planes, sha256: ContentDigest.of([3]),
        origin: .kept, byteCount: 12),
      .init(
        name: "ids", dtype: .i64, shape: [], layout: .interleaved, sha256: ContentDigest.of([4]),
        origin: .state, byteCount: 8),
    ])

  private func error(
    stored: [SafetensorsWriter.Declaration], dataCount: Int
  ) throws -> FormatError? {
    let bytes = try SafetensorsWriter.header(
      tensors: stored, metadata: [(ArtifactHeader.manifestKey, Self.manifest.json.text)])
    return #expect(throws: FormatError.self) {
      try ArtifactHeader.parse(bytes, dataCount: dataCount, file: "a")
    }
  }

  @Test("a manifest comes back from its header, planes stored with one dimension more")
  func roundTrip() throws {
    let bytes = try ArtifactHeader.encoded(Self.manifest, file: "a")
    #expect(try ArtifactHeader.parse(bytes, dataCount: 20, file: "a") == Self.manifest)
    let header = try SafetensorsHeader.parse(
      bytes.span.extracting(8...), dataCount: 20, dataStart: bytes.count, file: "a")
    #expect(header.tensors.map(\.dtype) == [.u8, .i64])
    #expect(header.tensors.map(\.shape) == [[2, 2, 3], []])
  }

  @Test("a stored table that is not the manifest's is refused where it differs")
  func differences() throws {
    let (w, ids): (SafetensorsWriter.Declaration, SafetensorsWriter.Declaration) = (
      ("w", .u8, [2, 2, 3]), ("ids", .i64, [])
    )
    #expect(
      try error(stored: [w], dataCount: 12)?.problem
        == "expected 1 tensors as in the header, found 2")
    #expect(
      try error(stored: [w, ("id", .i64, [])], dataCount: 20)?.description
        == "a: tensor 'ids': named in the manifest, but not stored")
    #expect(
      try error(stored: [("w", .bf16, [2, 3]), ids], dataCount: 20)?.description
        == "a: tensor 'w': expected U8 [2, 2, 3] for its layout, found BF16 [2, 3]")
    #expect(
      try error(stored: [ids, w], dataCount: 20)?.problem.hasPrefix("expected at byte ") == true)
  }

  @Test("a length that is not the header's is refused")
  func length() throws {
    var bytes = try ArtifactHeader.encoded(Self.manifest, file: "a")
    bytes[0] ^= 1
    let error = #expect(throws: FormatError.self) {
      try ArtifactHeader.parse(bytes, dataCount: 20, file: "a")
    }
    #expect(error?.problem.contains(", found length ") == true)
    for count in [0, 7] {
      #expect(throws: FormatError.self) {
        try ArtifactHeader.parse([UInt8](repeating: 0, count: count), dataCount: 0, file: "a")
      }
    }
  }
}
