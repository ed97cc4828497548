// A text cut into pieces, one behind the other.

/// Pieces of a text in one array of bytes.
struct TextPieces {
  /// The bytes of all pieces.
  private(set) var bytes: [UInt8]
  /// Where each piece ends.
  private(set) var ends: [Int]
  /// Whether the first piece begins the whole text.
  let isFirst: Bool

  /// One piece.
  init(_ bytes: [UInt8], isFirst: Bool) {
    (self.bytes, self.isFirst) = (bytes, isFirst)
    ends = bytes.isEmpty ? [] : [bytes.count]
  }

  /// The byte ranges of the pieces.
  var ranges: [Range<Int>] {
    ends.indices.map { ($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0] }
  }

  /// Cuts every piece: `cut` gets the bytes and a piece's range, and calls its last argument with
  /// the range of each new piece, in order. What lies between those is dropped.
  mutating func cut(
    _ cut: ([UInt8], Range<Int>, (Range<Int>) -> Void) -> Void
  ) {
    var (kept, keptEnds): ([UInt8], [Int]) = ([], [])
    kept.reserveCapacity(bytes.count)
    for range in ranges {
      cut(bytes, range) { part in
        guard !part.isEmpty else { return }
        kept += bytes[part]
        keptEnds.append(kept.count)
      }
    }
    (bytes, ends) = (kept, keptEnds)
  }

  /// Replaces every piece; `change` gets its bytes and whether it begins the whole text.
  mutating func map(_ change: (ArraySlice<UInt8>, Bool) -> [UInt8]) {
    var (changed, changedEnds): ([UInt8], [Int]) = ([], [])
    for range in ranges {
      changed += change(bytes[range], isFirst && range.lowerBound == 0)
      changedEnds.append(changed.count)
    }
    (bytes, ends) = (changed, changedEnds)
  }
}
