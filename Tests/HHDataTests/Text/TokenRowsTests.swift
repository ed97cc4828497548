// Rows cut from a stream of ids.

import HHFormat
import Testing

@testable import HHData

@Suite("TokenRows")
struct TokenRowsTests {
  @Test("A decoder's rows follow one another, the remainder is dropped")
  func decoder() throws {
    let rows = try TokenRows(stream: Array(0..<11), length: 4, frame: TokenFrame(), file: "f")
    #expect(rows.ids == Array(0..<8))
    #expect(rows.count == 2)
    #expect(Array(rows[1]) == [4, 5, 6, 7])
    #expect(rows.rows([1, 0]).ids == [4, 5, 6, 7, 0, 1, 2, 3])
  }

  @Test("An encoder's rows stand between their two marks")
  func encoder() throws {
    let frame = TokenFrame(prefix: [101], suffix: [102])
    let rows = try TokenRows(stream: Array(0..<7), length: 5, frame: frame, file: "f")
    #expect(rows.ids == [101, 0, 1, 2, 102, 101, 3, 4, 5, 102])
  }

  @Test("Too little is an error that counts", arguments: [0, 3])
  func short(count: Int32) {
    let error = #expect(throws: FormatError.self) {
      try TokenRows(stream: Array(0..<count), length: 4, frame: TokenFrame(), file: "f")
    }
    #expect(
      error?.problem
        == (count == 0
          ? "expected text, found no tokens"
          : "too short: expected at least 4 tokens for one row of 4, found 3"))
    #expect(throws: FormatError.self) {
      try TokenRows(
        stream: [1, 2], length: 2, frame: TokenFrame(prefix: [0], suffix: [0]), file: "f")
    }
  }
}
