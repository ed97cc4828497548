// How each pre-tokenizer of tokenizer.json cuts a text.

import Testing

@testable import HHData

@Suite("PreTokenizerStep")
struct PreTokenizerStepTests {
  private func cut(
    _ step: PreTokenizerStep, _ text: String, isFirst: Bool = true
  ) -> [String] {
    var pieces = TextPieces(Array(text.utf8), isFirst: isFirst)
    step(&pieces)
    return pieces.ranges.map { String(decoding: pieces.bytes[$0], as: UTF8.self) }
  }

  @Test("words lose the white space between them, and marks are pieces of their own kind")
  func words() {
    #expect(cut(.bert, "Hey, you?!") == ["Hey", ",", "you", "?", "!"])
    #expect(cut(.words, "Hey, you?!") == ["Hey", ",", "you", "?!"])
    #expect(cut(.whiteSpace, " Hey,\t you?! ") == ["Hey,", "you?!"])
    #expect(cut(.whiteSpace, " \n") == [])
  }

  @Test("matches are cut out, or what lies between them")
  func splits() {
    #expect(cut(.split(.punctuation, .isolated), "a,b.") == ["a", ",", "b", "."])
    #expect(cut(.split(.digit, .isolated), "a12b") == ["a", "1", "2", "b"])
    #expect(cut(.split(.digit, .contiguous), "a12b") == ["a", "12", "b"])
    let spaces = TextPattern.text([0x20])
    #expect(cut(.split(.pattern(spaces, isInverted: false), .removed), "a bc") == ["a", "bc"])
    #expect(cut(.split(.pattern(spaces, isInverted: true), .removed), "a bc") == [" "])
  }

  @Test("a mark stands for spaces and before the text, where the rule says so")
  func marks() {
    func step(
      _ prefix: SentencePieceBPE.Prefix, yields: Bool = false, splits: Bool = true
    ) -> PreTokenizerStep {
      .metaspace(
        mark: Array("▁".utf8), prefix: prefix, yieldsToMark: yields, splits: splits)
    }
    #expect(cut(step(.always), "a b") == ["▁a", "▁b"])
    #expect(cut(step(.always, splits: false), "a b") == ["▁a▁b"])
    #expect(cut(step(.always, yields: true), " a") == ["▁a"])
    #expect(cut(step(.always), " a") == ["▁", "▁a"])
    #expect(cut(step(.first), "a", isFirst: false) == ["a"])
  }

  @Test("bytes are spelled, with a space before the text where the rule says so")
  func bytes() {
    #expect(cut(.byteLevel(addsPrefixSpace: true, pattern: nil), "a b") == ["ĠaĠb"])
    #expect(cut(.byteLevel(addsPrefixSpace: true, pattern: nil), " a") == ["Ġa"])
    #expect(cut(.byteLevel(addsPrefixSpace: false, pattern: nil), "a") == ["a"])
  }
}
