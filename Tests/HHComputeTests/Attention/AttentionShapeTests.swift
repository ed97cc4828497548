import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct AttentionShapeTests {
  private func shape(_ keyLengths: [Int]?) -> AttentionShape {
    AttentionShape(
      batch: 3, length: 9, queryHeads: 4, keyValueHeads: 2, headSize: 5, causal: true,
      keyLengths: keyLengths)
  }

  @Test("Valid positions leave the padding out")
  func positions() {
    #expect(shape(nil).validPositions == 27 && shape(nil).keyLength(1) == 9)
    let padded = shape([9, 4, 0])
    #expect(padded.validPositions == 13 && padded.keyLength(2) == 0)
    // Positions 1, 4 and 7 of nine, 1 of four, none of none.
    #expect(padded.queryCount(QuerySample(first: 1, step: 3)) == 4)
  }

  @Test("A part is one sequence's rows and some heads' columns")
  func parts() {
    let matrix = Matrix(rows: 27, columns: 20, (0..<540).map(Float.init))
    let part = shape(nil).part(matrix, row: 2, head: 1, count: 2)
    #expect(part.rows == 9 && part.columns == 10 && part[0, 0] == 18 * 20 + 5)
  }

  @Test("Heads that do not divide and lengths beyond the sequence stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      _ = AttentionShape(
        batch: 1, length: 1, queryHeads: 3, keyValueHeads: 2, headSize: 1, causal: false)
    }
    await #expect(processExitsWith: .failure) {
      _ = AttentionShape(
        batch: 1, length: 4, queryHeads: 1, keyValueHeads: 1, headSize: 1, causal: false,
        keyLengths: [5])
    }
  }
}
