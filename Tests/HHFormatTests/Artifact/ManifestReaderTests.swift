// A manifest is read strictly: nothing missing, nothing unknown, every value of its kind.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ManifestReader")
struct ManifestReaderTests {
  private func parse(_ text: String) throws(FormatError) -> ArtifactManifest {
    try ArtifactManifest(parsing: text, file: "a.zst")
  }

  /// An edit of the sound text, and what the error must say.
  struct Defect: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let message: String
    var testDescription: String { new }
  }

  @Test(
    "a manifest that breaks the schema is refused where it does",
    arguments: [
      Defect(old: "\"1.1\"", new: "\"1\"", message: "'formatVersion'"),
      Defect(old: "\"1.1\"", new: "1.1", message: "'formatVersion'"),
      Defect(old: "\"1.1\"", new: "\"01.1\"", message: "'formatVersion'"),
      Defect(old: "{\"formatVersion\"", new: "{\"extra\":1,\"formatVersion\"", message: "'extra'"),
      Defect(
        old: "\"producer\"", new: "\"maker\"", message: "expected the member 'producer', found none"
      ),
      Defect(old: "\"bias\":true", new: "\"bias\":1", message: "'bias': expected true or false"),
      Defect(
        old: "\"hedgehog-softmax-split\"", new: "\"\"", message: "'kind': expected a name, found"),
      Defect(
        old: "\"featureDimension\":16", new: "\"featureDimension\":0",
        message: "expected a positive number, found 0"),
      Defect(old: "\"frameSize\":1024", new: "\"frameSize\":1001", message: "multiple of 8"),
      Defect(old: "\"frameSize\":1024", new: "\"frameSize\":0", message: "multiple of 8"),
      Defect(old: "\"frameSize\":1024", new: "\"frameSize\":1073741824", message: "multiple of 8"),
      Defect(old: "\"BF16\"", new: "\"B16\"", message: "'B16'"),
      Defect(old: "\"BF16\"", new: "\"I16\"", message: "I16 has no byte planes"),
      Defect(old: "[2,3]", new: "[2,-3]", message: "integers from 0 up"),
      Defect(old: "[2,3]", new: "[2,3.0]", message: "integers from 0 up"),
      Defect(
        old: "[2,3]", new: "[4611686018427387904,4611686018427387904]", message: "no size in bytes"),
      Defect(old: "\"planeOrder\":[0,1]", new: "\"planeOrder\":[1,0]", message: "[1,0]"),
      Defect(old: "\"rotateLeft\":1", new: "\"rotateLeft\":2", message: "rotated by 2"),
      Defect(old: "\"rotateLeft\":1", new: "\"rotateRight\":1", message: "'rotateLeft'"),
      Defect(old: "\"kept\"", new: "\"lost\"", message: "'lost'"),
      Defect(old: "\"sha256\":\"0", new: "\"sha256\":\"G", message: "hexadecimal"),
      Defect(old: "\"model.safetensors\"", new: "\"/model\"", message: "'/model'"),
      Defect(old: "\"seed\":18446744073709551615", new: "\"seed\":-1", message: "'seed'"),
      Defect(old: "\"stages\":[", new: "\"stages\":[1,", message: "stages[0]"),
      Defect(old: "{\"vocab.txt\"", new: "{\"../vocab.txt\"", message: "'../vocab.txt'"),
      Defect(old: "{\"vocab.txt\"", new: "{\"/vocab.txt\"", message: "'/vocab.txt'"),
      Defect(old: "{\"vocab.txt\"", new: "{\"..\"", message: "'..'"),
      Defect(old: "{\"vocab.txt\"", new: "{\"merges.txt\"", message: "'hedgehog.files/merges.txt'"),
      Defect(old: "{\"bytes\":5", new: "{\"bytes\":6", message: "'hedgehog.files/vocab.txt'"),
      Defect(
        old: "\"files\":{\"vocab.txt\"", new: "\"filing\":{\"vocab.txt\"", message: "in 'files'"),
      Defect(old: "{\"e\"", new: "{\"w\"", message: "tensor 'w': stored, and in 'base' too"),
      Defect(old: "[4,9]", new: "[4,-9]", message: "integers from 0 up"),
      Defect(old: "[4,9]", new: "[4611686018427387904,9]", message: "no size in bytes"),
      Defect(old: "{\"LICENSE\"", new: "{\"a/LICENSE\"", message: "'a/LICENSE'"),
    ])
  func defects(defect: Defect) throws {
    // A digest that starts with a digit the table can name.
    let text = ArtifactManifestTests.manifest.json.text.replacing(
      ContentDigest.of([3]), with: String(repeating: "0", count: 64))
    let broken = text.replacing(defect.old, with: defect.new)
    try #require(broken != text)
    let error = #expect(throws: FormatError.self) { try parse(broken) }
    #expect(error?.kind == .badData)
    #expect(error?.description.contains(defect.message) == true, "\(error?.description ?? "")")
    #expect(error?.file == "a.zst" && error?.place.hasPrefix("manifest") == true)
  }

  @Test("files and deltas are no members of version 1.0", arguments: ["files", "base"])
  func newMembersInOldVersion(member: String) throws {
    let old = ArtifactManifest(
      version: .init(major: 1, minor: 0), description: ArtifactSamples.description, frameSize: 8,
      tensors: [])
    #expect(try parse(old.json.text) == old)
    let text = old.json.text.replacing(
      "{\"formatVersion\"", with: "{\"\(member)\":{},\"formatVersion\"")
    let error = #expect(throws: FormatError.self) { try parse(text) }
    #expect(error?.problem == "expected only members of the schema, found '\(member)'")
  }

  @Test("a higher major version is refused by name")
  func higherMajor() throws {
    let text = ArtifactManifestTests.manifest.json.text.replacing("\"1.1\"", with: "\"3.0\"")
    let error = #expect(throws: FormatError.self) { try parse(text) }
    #expect(error?.kind == .unsupported)
    #expect(error?.problem.contains("3.0") == true)
  }

  @Test("unknown members of a newer minor version are passed over, at any depth")
  func newerMinor() throws {
    let text = ArtifactManifestTests.manifest.json.text
      .replacing("\"1.1\"", with: "\"1.7\"")
      .replacing("{\"formatVersion\"", with: "{\"novelty\":[],\"formatVersion\"")
      .replacing("\"bias\":true", with: "\"bias\":true,\"novelty\":{}")
    let read = try parse(text)
    #expect(read.version.minor == 7)
    #expect(read.description == ArtifactManifestTests.manifest.description)
    #expect(read.tensors == ArtifactManifestTests.manifest.tensors)
  }
}
