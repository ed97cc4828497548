// What each normaliser of tokenizer.json does to a text.

import Testing

@testable import HHData

@Suite("NormalizerStep")
struct NormalizerStepTests {
  private func apply(_ step: NormalizerStep, _ text: String) -> String {
    String(decoding: step(Array(text.utf8)), as: UTF8.self)
  }

  @Test("case, marks and white space change as the step says")
  func steps() {
    #expect(apply(.lowercase, "ÀİB") == "ài\u{307}b")
    #expect(apply(.stripAccents, "e\u{301}a") == "ea")
    #expect(apply(.strip(left: true, right: true), " \u{3000}a b\t") == "a b")
    #expect(apply(.strip(left: true, right: false), " a ") == "a ")
    #expect(apply(.strip(left: false, right: true), " a ") == " a")
    #expect(apply(.strip(left: true, right: true), " \u{2003} ") == "")
    #expect(apply(.extraSpaces, "  a   b ") == "a b")
    #expect(apply(.extraSpaces, "   ") == "")
  }

  @Test("a prefix goes before what is there, and a text for each match")
  func texts() {
    #expect(apply(.prepend(Array("_".utf8)), "a") == "_a")
    #expect(apply(.prepend(Array("_".utf8)), "") == "")
    #expect(apply(.replace(.text([0x20]), with: Array("▁".utf8)), "a b ") == "a▁b▁")
    #expect(apply(.replace(.text(Array("aa".utf8)), with: []), "aaa") == "a")
  }

  @Test("control characters go, and every white space is a space")
  func controls() {
    #expect(apply(.controls, "a\u{1}b\u{200B}c\u{FFFD}\u{7F}") == "ab c ")
  }

  @Test("bytes are printable characters")
  func bytes() {
    #expect(apply(.bytes, "a b\n") == "aĠbĊ")
    #expect(apply(.bytes, "é") == "Ã©")
  }
}
