// Which tokens end a text by their names.

import Testing

@testable import HHData

@Suite("EndTokens")
struct EndTokensTests {
  @Test("names that end a text or a turn")
  func names() {
    #expect(EndTokens.ids(in: ["a", "<|im_end|>", "</s>", "<|im_start|>"]) == [1, 2])
    #expect(EndTokens.contains("<|eot_id|>") && !EndTokens.contains("<|im_start|>"))
  }

  @Test("a part of an answer ends no answer")
  func parts() {
    #expect(EndTokens.ids(in: ["<|end|>", "<|return|>", "<|call|>"]) == [1, 2])
    #expect(EndTokens.ids(in: ["<|end|>", "<|return|>"]) == [0, 1])
  }
}
