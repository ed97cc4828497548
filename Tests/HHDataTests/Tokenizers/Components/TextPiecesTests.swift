// Pieces stay in order, and none is empty.

import Testing

@testable import HHData

@Suite("TextPieces")
struct TextPiecesTests {
  @Test("what is between the parts of a cut is dropped")
  func cutting() {
    var pieces = TextPieces([1, 2, 3, 4], isFirst: true)
    pieces.cut { _, range, body in
      body(range.lowerBound..<range.lowerBound + 1)
      body(range.lowerBound + 2..<range.lowerBound + 2)
      body(range.lowerBound + 3..<range.upperBound)
    }
    #expect(pieces.bytes == [1, 4] && pieces.ranges == [0..<1, 1..<2])
    #expect(TextPieces([], isFirst: true).ranges.isEmpty)
  }

  @Test("only the first piece of the first text begins it", arguments: [true, false])
  func mapping(isFirst: Bool) {
    var pieces = TextPieces([1, 2], isFirst: isFirst)
    pieces.cut { _, _, body in
      body(0..<1)
      body(1..<2)
    }
    var begins: [Bool] = []
    pieces.map { piece, first in
      begins.append(first)
      return Array(piece) + [0]
    }
    #expect(begins == [isFirst, false])
    #expect(pieces.bytes == [1, 0, 2, 0] && pieces.ranges == [0..<2, 2..<4])
  }
}
