// Rows of a batch keep their own padding and types.

import HHData
import Testing

@Suite("TokenBatch")
struct TokenBatchTests {
  @Test("a range of rows has the ids, lengths and types of those rows")
  func rows() {
    let batch = TokenBatch(
      ids: [1, 2, 3, 4, 5, 0], length: 2, validLengths: [2, 2, 1],
      tokenTypes: [0, 0, 0, 1, 1, 0])
    #expect(batch.rowCount == 3)
    let last = TokenBatch(
      ids: [3, 4, 5, 0], length: 2, validLengths: [2, 1], tokenTypes: [0, 1, 1, 0])
    #expect(batch.rows(1..<3) == last)
    #expect(batch.rows(0..<3) == batch)
    #expect(batch.rows(2..<2).rowCount == 0)
  }

  @Test("what a batch leaves out its rows leave out too")
  func plain() {
    let rows = TokenBatch(ids: [1, 2, 3, 4], length: 2).rows(1..<2)
    #expect(rows == TokenBatch(ids: [3, 4], length: 2))
    #expect(rows.validLengths == nil && rows.tokenTypes == nil)
  }
}
