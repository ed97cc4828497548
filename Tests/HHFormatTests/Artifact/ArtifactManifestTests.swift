import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactManifest")
struct ArtifactManifestTests {
  /// A manifest with every member in use.
  static let manifest = ArtifactManifest(
    version: .withoutBlocks, description: ArtifactSamples.description, frameSize: 1024,
    tensors: [
      .init(
        name: "w", dtype: .bf16, shape: [2, 3], layout: .planes, sha256: ContentDigest.of([3]),
        origin: .kept, byteCount: 12),
      .init(
        name: "ids", dtype: .i64, shape: [], layout: .interleaved, sha256: ContentDigest.of([4]),
        origin: .state, byteCount: 8),
      .init(
        name: "hedgehog.files/vocab.txt", dtype: .u8, shape: [5], layout: .interleaved,
        sha256: ContentDigest.of([5]), origin: .state, byteCount: 5),
    ], files: [CarriedFile(name: "vocab.txt", bytes: 5, sha256: ContentDigest.of([5]))],
    base: ArtifactBase(
      tensors: [
        .init(
          name: "e", dtype: .f32, shape: [4, 9], sha256: ContentDigest.of([6]), byteCount: 144)
      ], files: [CarriedFile(name: "LICENSE", bytes: 7, sha256: ContentDigest.of([7]))]))

  private func parse(_ text: String) throws(FormatError) -> ArtifactManifest {
    try ArtifactManifest(parsing: text, file: "a.zst")
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    #expect(try parse(Self.manifest.json.text) == Self.manifest)
  }

  @Test("a manifest holds the deepest configuration that is allowed, and no deeper one")
  func nesting() throws {
    func text(levels: Int) -> String {
      let deep = (1..<levels).reduce(JSONValue.object([:])) { value, _ in .object(["a": value]) }
      #expect(deep.depth == levels)
      var description = ArtifactSamples.description
      description.architecture = .init(name: "gpt2", config: deep.object ?? [:])
      return ArtifactManifest(
        version: .current, description: description, frameSize: 1024, tensors: []
      ).json.text
    }
    let most = ArtifactDescription.Architecture.maximumDepth
    _ = try parse(text(levels: most))
    #expect(throws: FormatError.self) { try parse(text(levels: most + 1)) }
  }

  @Test("optional members may be absent")
  func optionalMembers() throws {
    var description = ArtifactSamples.description
    description.linearAttention = nil
    description.state = ["step": .integer(7)]
    description.provenance = Provenance(sources: [], recipe: [:], seed: 0)
    let manifest = ArtifactManifest(
      version: .current, description: description, frameSize: 8, tensors: [])
    #expect(try parse(manifest.json.text) == manifest)
  }
}
