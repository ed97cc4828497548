import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ContentDigest")
struct ContentDigestTests {
  /// Vectors of FIPS 180-2, appendix B, and of the empty text.
  @Test(
    "known digests",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func vectors(text: String, expected: String) {
    #expect(ContentDigest.of(Array(text.utf8)) == expected)
  }

  @Test("pieces give the digest of the whole, and a file that of its bytes")
  func pieces() throws {
    var forge = FileForge(seed: 2)
    // More than two of the buffers through which a file is read.
    let block = forge.bytes(1000)
    let bytes = [[UInt8]](repeating: block, count: 2200).flatMap(\.self)
    var digest = ContentDigest()
    for _ in 0..<2200 { digest.update(block.raw) }
    let expected = digest.finalize()
    #expect(ContentDigest.of(bytes) == expected)
    let folder = try TemporaryDirectory()
    let result = try ContentDigest.ofFile(at: folder.write(bytes, to: "x"))
    #expect(result.sha256 == expected)
    #expect(result.bytes == bytes.count)
  }

  @Test("a missing file and a folder are errors")
  func unreadable() throws {
    let folder = try TemporaryDirectory()
    let missing = #expect(throws: FormatError.self) {
      try ContentDigest.ofFile(at: folder.path("x"))
    }
    #expect(missing?.kind == .missingInput)
    let notAFile = #expect(throws: FormatError.self) { try ContentDigest.ofFile(at: folder.path) }
    #expect(notAFile?.kind == .io)
  }
}
