// What of a growing text is shown, and what is held back.

import Testing

@testable import HHModel

@Suite("ShownText")
struct ShownTextTests {
  @Test("half a character is held back until it is whole or the text is complete")
  func halves() {
    var shown = ShownText()
    #expect(shown.grow(to: "a\u{FFFD}", isComplete: false) == "")
    #expect(shown.grow(to: "aé", isComplete: false) == "aé")
    #expect(shown.grow(to: "aé\u{FFFD}", isComplete: false) == "")
    #expect(shown.grow(to: "aé\u{FFFD}", isComplete: true) == "\u{FFFD}")
    #expect(shown.text == "aé\u{FFFD}")
  }

  @Test("text that changes what was shown is held back")
  func changes() {
    var shown = ShownText()
    #expect(shown.grow(to: "ab", isComplete: false) == "ab")
    #expect(shown.grow(to: "acd", isComplete: false) == "")
    #expect(shown.grow(to: "abd", isComplete: false) == "d")
    #expect("ac".afterCommonScalars(with: "ab") == "c")
    #expect("e\u{301}".afterCommonScalars(with: "e") == "\u{301}")
  }
}
