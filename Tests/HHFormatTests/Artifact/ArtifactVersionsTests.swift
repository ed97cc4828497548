// The artifacts of every version that there ever was, which stay readable.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("Artifact versions")
struct ArtifactVersionsTests {
  /// The files of `fixtures/artifacts`, with the version that their names begin with.
  static let names = [
    "1.0-whole", "1.1-whole", "1.1-delta", "2.0-blocks",
  ]

  private static func path(_ name: String) -> String {
    Fixtures.path("artifacts/\(name).hedgehog.safetensors.zst")
  }

  @Test("every tensor of every version is read as it was written", arguments: names)
  func digests(name: String) throws {
    let list = try JSONObject(contentsOf: Fixtures.path("artifacts/digests.json"))
    let expected = try #require(list["\(name).hedgehog.safetensors.zst"]?.object)
    let reader = try ArtifactReader(at: Self.path(name))
    #expect(name.hasPrefix("\(reader.manifest.version)-"))
    #expect(reader.tensors.map(\.name) == expected.keys)
    for (name, digest) in expected.pairs {
      #expect(try ContentDigest.of(reader.read(name)) == digest.string, "\(name)")
    }
    _ = try ArtifactVerifier.verify(at: Self.path(name))
  }

  @Test("a delta and its base are the whole artifact of the same version")
  func deltaWithBase() throws {
    let base = Fixtures.path("golden/forward/llama-bf16")
    let whole = try Checkpoint(opening: Self.path("1.1-whole"))
    let delta = try Checkpoint(opening: Self.path("1.1-delta"), base: base)
    #expect(delta.tensors == whole.tensors)
    for tensor in whole.tensors {
      let bytes = try whole.withBytes(of: tensor.name) { (bytes) in bytes.copied() }
      #expect(try delta.withBytes(of: tensor.name) { (found) in found.copied() } == bytes)
    }
  }

  @Test("no file of the folder is left out here")
  func allFiles() throws {
    let files = try directoryEntries(of: Fixtures.path("artifacts"))
    #expect(
      files.filter { $0 != "digests.json" }.sorted()
        == Self.names.map { "\($0).hedgehog.safetensors.zst" }.sorted())
  }
}
