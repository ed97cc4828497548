// What each decoder of tokenizer.json makes of tokens.

import Testing

@testable import HHData

@Suite("TokenDecoder")
struct TokenDecoderTests {
  private func decode(_ step: DecoderStep, _ tokens: [String]) -> [String] {
    var bytes = tokens.map { Array($0.utf8) }
    step(&bytes)
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("marks of words become spaces")
  func words() {
    let pieces = DecoderStep.wordPiece(prefix: Array("##".utf8), cleansUp: false)
    #expect(decode(pieces, ["hug", "##ging", "face"]) == ["hug", "ging", " face"])
    let clean = DecoderStep.wordPiece(prefix: Array("##".utf8), cleansUp: true)
    #expect(decode(clean, ["do", ".", "n't"]) == ["do", ".", "n't"])
    let mark = Array("▁".utf8)
    #expect(decode(.metaspace(mark: mark, dropsFirst: true), ["▁a", "▁b"]) == ["a", " b"])
    #expect(decode(.metaspace(mark: mark, dropsFirst: false), ["▁a"]) == [" a"])
    #expect(decode(.suffix(Array("</w>".utf8)), ["a</w>", "b</w>"]) == ["a ", "b"])
  }

  @Test("bytes come back, and those that are no text are each a replacement character")
  func bytes() {
    #expect(decode(.byteLevel, ["Ãł", "Ġa"]) == ["à a"])
    #expect(decode(.byteFallback, ["<0xC3>", "<0xA0>", "a"]) == ["à", "a"])
    #expect(decode(.byteFallback, ["a", "<0xC3>", "<0x61>"]) == ["a", "\u{FFFD}", "\u{FFFD}"])
  }

  @Test("tokens are joined, and lose so many characters at their ends as there are")
  func ends() {
    #expect(decode(.fuse, ["a", "b"]) == ["ab"])
    #expect(decode(.strip([0x20], start: 1, stop: 0), ["  a ", "b"]) == [" a ", "b"])
    #expect(decode(.strip([0x20], start: 5, stop: 5), ["  ", " a "]) == ["", "a"])
    #expect(decode(.replace(.text([0x61]), with: [0x62]), ["aa", "c"]) == ["bb", "c"])
  }
}
