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

  @Test("a piece of many stretches merges as if it were one")
  func stretches() {
    var table = MergeTable(minimumCapacity: 8)
    for (rank, pair) in [(0, 0, 2), (2, 2, 3), (1, 0, 4), (3, 3, 5), (4, 1, 6)].enumerated() {
      table.insert(Int32(pair.0), Int32(pair.1), rank: UInt32(rank), result: Int32(pair.2))
    }
    var state: UInt32 = 9
    let random = (0..<420_000).map { _ -> Int32 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int32(state >> 30 == 0 ? 1 : 0)
    }
    for piece in [random, [Int32](repeating: 0, count: 420_001)] {
      var merger = PairMerger()
      var result: [Int32] = []
      var covered = 0
      merger.merge(
        piece.indices, longest: 8, by: table, symbol: { (piece[$0], 1) }
      ) { symbol, range in
        #expect(range.lowerBound == covered)
        covered = range.upperBound
        result.append(symbol)
      }
      #expect(covered == piece.count)
      #expect(result == merged(piece, table))
    }
  }

  @Test("a symbol that is left out parts nothing")
  func leftOut() {
    var table = MergeTable(minimumCapacity: 1)
    table.insert(0, 1, rank: 0, result: 2)
    var merger = PairMerger()
    var result: [Int32] = []
    let piece: [Int32?] = [0, nil, 1, nil]
    merger.merge(
      piece.indices, longest: 2, by: table, symbol: { (piece[$0], 1) }
    ) { id, _ in result.append(id)
    }
    #expect(result == [2])
  }
}
