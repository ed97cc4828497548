// A tokenizer of components: the order of its parts, added tokens, and what decoding leaves out.

import Testing

@testable import HHData

@Suite("ComponentTokenizer")
struct ComponentTokenizerTests {
  private func tokenizer(
    _ words: [String], normalizers: [NormalizerStep] = [],
    preTokenizers: [PreTokenizerStep] = [.whiteSpace], decoders: [DecoderStep]? = nil,
    added: [AddedToken] = [], frame: TokenFrame = TokenFrame()
  ) -> ComponentTokenizer {
    var vocabulary = Vocabulary()
    for (id, word) in words.enumerated() { vocabulary.insert(word, id: id) }
    return ComponentTokenizer(
      vocabulary: vocabulary,
      parts: .init(
        normalizers: normalizers, preTokenizers: preTokenizers,
        model: WordLevel(words: vocabulary.idsByBytes, unknown: 0), decoders: decoders),
      added: added, special: SpecialTokens(unknown: 0), frame: frame)
  }

  @Test("text is normalised, cut, and its pieces looked up")
  func encode() {
    let plain = tokenizer(["?", "a", "b c"])
    #expect(plain.encode("a A b") == [1, 0, 0] && plain.encode("  ").isEmpty)
    let lower = tokenizer(["?", "a", "b"], normalizers: [.lowercase])
    #expect(lower.encode("A\u{9}B a") == [1, 2, 1])
    #expect(tokenizer(["?", "a", "b c"], preTokenizers: []).encode("b c") == [2])
  }

  @Test("normalisers work in their order")
  func order() {
    let steps: [NormalizerStep] = [.replace(.text([0x41]), with: [0x42]), .lowercase]
    #expect(tokenizer(["?", "a", "b"], normalizers: steps).encode("A") == [2])
    #expect(tokenizer(["?", "a", "b"], normalizers: steps.reversed()).encode("A") == [1])
  }

  @Test("added tokens are cut out before anything else, and make the vocabulary larger")
  func added() {
    let tokens = [
      AddedToken(id: 7, content: "[X]"), AddedToken(id: 5, content: "Y", isSpecial: false),
    ]
    let tokenizer = tokenizer(["?", "a"], normalizers: [.lowercase], added: tokens)
    #expect(tokenizer.vocabularySize == 8)
    #expect(tokenizer.encode("A[X]aY A") == [1, 7, 1, 5, 1])
    #expect(tokenizer.decode([1, 7, 1, 5]) == "a a Y")
  }

  @Test("an added token of normalised text is found in it")
  func normalized() {
    let token = AddedToken(id: 3, content: "ÄB", isNormalized: true)
    let tokenizer = tokenizer(["?", "a"], normalizers: [.lowercase], added: [token])
    #expect(tokenizer.encode("a äb Äb") == [1, 3, 3])
  }

  @Test("a frame goes around what a model reads, not around plain ids")
  func frame() {
    let tokenizer = tokenizer(["?", "a"], frame: TokenFrame(prefix: [8], suffix: [9]))
    #expect(tokenizer.encode("a") == [1] && tokenizer.encodeForModel("a") == [8, 1, 9])
  }

  @Test("tokens are joined by spaces, or as the decoders say; ids that are none are left out")
  func decode() {
    #expect(tokenizer(["?", "a", "b"]).decode([1, 9, 2, -1]) == "a b")
    #expect(tokenizer(["?", "a", "b"], decoders: []).decode([1, 2]) == "ab")
    let pieces = ["?", "play", "##ing"]
    let step = DecoderStep.wordPiece(prefix: Array("##".utf8), cleansUp: false)
    #expect(tokenizer(pieces, decoders: [step]).decode([1, 2, 1]) == "playing play")
  }
}
