// SentencePiece's map of characters, and broken ones.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("CharacterMap")
struct CharacterMapTests {
  /// The map of a fixture's tokenizer.json.
  private static func bytes() throws -> [UInt8] {
    let json = try JSONValue(parsing: readBytes(at: Fixtures.path("tokenizers/unigram.json")))
    let text = json["normalizer"]?["normalizers"]?.array?.first?["precompiled_charsmap"]?.string
    return try #require(text.flatMap(base64Bytes))
  }

  @Test("the longest entry counts, or the shortest of each character")
  func manners() throws {
    let bytes = try Self.bytes()
    let longest = try #require(CharacterMap(bytes, .longest))
    let character = try #require(CharacterMap(bytes, .character))
    func text(_ map: CharacterMap, _ text: String) -> String {
      String(decoding: map(Array(text.utf8)), as: UTF8.self)
    }
    // カタ has an entry of its own, beside that of カ.
    #expect(text(longest, "カタ カ…!") == "kt k...!")
    #expect(text(character, "カタ カ…!") == "kタ k...!")
    #expect(text(longest, "a\u{200B}b\r\n") == "ab ")
  }

  @Test("a map that is cut short or changed harms nothing")
  func forged() throws {
    let bytes = try Self.bytes()
    #expect(CharacterMap([], .longest) == nil)
    #expect(CharacterMap([4, 0, 0, 0, 1, 2, 3], .longest) == nil)
    #expect(CharacterMap([0xFF, 0xFF, 0xFF, 0xFF] + bytes, .longest) == nil)
    let text = Array("カタカナ ﬁ½ 𝕏 e\u{301} \u{0}".utf8)
    for index in stride(from: 0, to: bytes.count, by: 7) {
      for value: UInt8 in [0, 1, 0x7F, 0xFF] {
        var forged = bytes
        forged[index] = value
        for manner in [CharacterMap.Manner.longest, .character] {
          guard let map = CharacterMap(forged, manner) else { continue }
          #expect(map(text).count < 100_000)
        }
      }
    }
  }
}
