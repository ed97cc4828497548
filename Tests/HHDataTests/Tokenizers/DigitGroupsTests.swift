// Digits in groups from the right.

import Testing

@testable import HHData

@Suite("DigitGroups")
struct DigitGroupsTests {
  private func parts(_ text: String, _ groups: DigitGroups) -> [String] {
    let bytes = Array(text.utf8)
    var parts: [String] = []
    groups.forEachPart(of: bytes, in: bytes.indices) { part, _ in
      parts.append(String(decoding: bytes[part], as: UTF8.self))
    }
    return parts
  }

  @Test(
    "each way of grouping",
    arguments: [
      ("1234", ["1", "234"], ["1", "234"], ["1", "234"]),
      ("a123456", ["a", "123", "456"], ["a", "123", "456"], ["a", "123", "456"]),
      ("12345b", ["12", "345b"], ["12345b"], ["12", "345", "b"]),
      ("12 3", ["12 3"], ["12", " ", "3"], ["12", " ", "3"]), ("", [], [], []),
      ("x", ["x"], ["x"], ["x"]),
    ])
  func groups(text: String, cuts: [String], words: [String], all: [String]) {
    #expect(parts(text, .cutsOnly) == cuts)
    #expect(parts(text, .ofWholeWords) == words)
    #expect(parts(text, .ofAll) == all)
  }
}
