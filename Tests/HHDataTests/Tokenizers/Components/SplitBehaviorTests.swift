// What becomes of the matches that a text is cut at, as Hugging Face's documentation shows.

import Testing

@testable import HHData

@Suite("SplitBehavior")
struct SplitBehaviorTests {
  @Test(
    "the-final--countdown, cut at hyphens",
    arguments: [
      ("Removed", ["the", "final", "countdown"]),
      ("Isolated", ["the", "-", "final", "-", "-", "countdown"]),
      ("MergedWithPrevious", ["the-", "final-", "-", "countdown"]),
      ("MergedWithNext", ["the", "-final", "-", "-countdown"]),
      ("Contiguous", ["the", "-", "final", "--", "countdown"]),
    ])
  func behaviors(name: String, parts: [String]) throws {
    let behavior = try #require(SplitBehavior(rawValue: name))
    var pieces = TextPieces(Array("the-final--countdown".utf8), isFirst: true)
    PreTokenizerStep.split(.pattern(.text([0x2D]), isInverted: false), behavior)(&pieces)
    #expect(pieces.ranges.map { String(decoding: pieces.bytes[$0], as: UTF8.self) } == parts)
  }
}
