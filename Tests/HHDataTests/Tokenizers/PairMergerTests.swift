// Merging by rank.

import HHTestSupport
import Testing

@testable import HHData

@Suite("PairMerger")
struct PairMergerTests {
  private func merged(_ piece: [Int32], _ table: MergeTable) -> [Int32] {
    var merger = PairMerger()
    var result: [Int32] = []
    var covered = 0
    merger.merge(piece, by: table) { symbol, positions in
      #expect(positions.lowerBound == covered)
      covered = positions.upperBound
      result.append(symbol)
    }
    #expect(covered == piece.count)
    return result
  }

  /// The definition: of all pairs, merge the one of lowest rank, the leftmost of equals.
  private func naivelyMerged(_ piece: [Int32], _ table: MergeTable) -> [Int32] {
    var symbols = piece
    while true {
      var best: (rank: UInt32, position: Int, result: Int32)?
      for position in symbols.indices.dropLast() {
        guard let merge = table.merge(symbols[position], symbols[position + 1]) else { continue }
        if best.map({ merge.rank < $0.rank }) ?? true {
          best = (merge.rank, position, merge.result)
        }
      }
      guard let best else { return symbols }
      symbols.replaceSubrange(best.position...best.position + 1, with: [best.result])
    }
  }

  @Test("The lowest rank goes first, the leftmost of equals")
  func order() {
    var table = MergeTable(minimumCapacity: 2)
    table.insert(1, 1, rank: 1, result: 2)
    table.insert(1, 3, rank: 0, result: 4)
    #expect(merged([1, 1, 1, 3], table) == [2, 4])
    #expect(merged([1, 1, 1], table) == [2, 1])
    #expect(merged([], table).isEmpty)
    #expect(merged([3], table) == [3])
  }

  @Test("Random pieces merge as the definition says", arguments: 0..<20)
  func againstDefinition(seed: UInt64) {
    var forge = FileForge(seed: seed)
    var table = MergeTable(minimumCapacity: 1)
    for rank in 0..<60 {
      // Equal ranks occur in SentencePiece models.
      table.insert(
        Int32(forge.next(below: 12)), Int32(forge.next(below: 12)), rank: UInt32(rank / 2),
        result: Int32(forge.next(below: 12)))
    }
    let piece = (0..<200).map { _ in Int32(forge.next(below: 14)) - 1 }
    #expect(merged(piece, table) == naivelyMerged(piece, table))
  }
}
