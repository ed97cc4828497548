// Byte pair merging: a table of merges, and a linked list of symbols with a heap of candidates.

/// Which pairs of symbols merge, into what, and how early. Open addressing, because this lookup is
/// the inner loop of encoding.
package struct MergeTable: Sendable {
  private var keys: [UInt64]
  private var values: [UInt64]
  private var used = 0
  /// No pair of symbols packs to this: symbols are at most `Int32.max`.
  private static let vacant = UInt64.max

  /// Creates an empty table with room for `count` merges.
  init(minimumCapacity count: Int) {
    var capacity = 16
    while capacity < count * 2 { capacity *= 2 }
    keys = Array(repeating: Self.vacant, count: capacity)
    values = Array(repeating: 0, count: capacity)
  }

  /// Adds a merge; a later one for the same pair replaces an earlier one.
  mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, result: Int32) {
    if used * 2 >= keys.count { grow() }
    let key = Self.pack(left, right)
    let slot = slot(of: key)
    if keys[slot] == Self.vacant {
      keys[slot] = key
      used += 1
    }
    values[slot] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result))
  }

  /// The merge of a pair, if there is one. Lower ranks go first.
  func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, result: Int32)? {
    let slot = slot(of: Self.pack(left, right))
    guard keys[slot] != Self.vacant else { return nil }
    let value = values[slot]
    return (UInt32(value >> 32), Int32(bitPattern: UInt32(truncatingIfNeeded: value)))
  }

  /// Every merge, the most urgent first.
  package var pairs: [(left: Int32, right: Int32)] {
    keys.indices.filter { keys[$0] != Self.vacant }.sorted { values[$0] < values[$1] }.map { slot in
      (
        Int32(truncatingIfNeeded: keys[slot] >> 32),
        Int32(truncatingIfNeeded: keys[slot] & 0x7FFF_FFFF)
      )
    }
  }

  private static func pack(_ left: Int32, _ right: Int32) -> UInt64 {
    // Negative symbols (unknown characters) are never in the table; both sides negative would be
    // the vacant key, so the sign bit of the left one is dropped.
    UInt64(UInt32(bitPattern: left) & 0x7FFF_FFFF) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private func slot(of key: UInt64) -> Int {
    let mask = keys.count - 1
    var mixed = key &* 0x9E37_79B9_7F4A_7C15
    mixed ^= mixed >> 32
    var slot = Int(truncatingIfNeeded: mixed) & mask
    while keys[slot] != key, keys[slot] != Self.vacant { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let old = (keys, values)
    keys = Array(repeating: Self.vacant, count: old.0.count * 2)
    values = Array(repeating: 0, count: old.0.count * 2)
    for (key, value) in zip(old.0, old.1) where key != Self.vacant {
      let slot = slot(of: key)
      keys[slot] = key
      values[slot] = value
    }
  }
}

/// Merges the symbols of one piece: always the pair of lowest rank, the leftmost of equals, until
/// none is left. O(n log n); one value is reused for many pieces to keep its storage.
struct PairMerger {
  private var symbols: [Int32] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  /// Rank of the pair that starts at a position, and what it merges into; `noPair` without one.
  private var ranks: [UInt32] = []
  private var results: [Int32] = []
  /// Candidates as rank and position in one word; entries that no longer hold are skipped.
  private var heap: [UInt64] = []
  private static let noPair = UInt32.max

  /// Symbols of a long piece that are merged together, and how many at their end are left to the
  /// next ones.
  ///
  /// The end of a stretch changes its own merges leftwards only through a chain of pairs each of
  /// which is merged later than the one to its right, so it is soon forgotten; and where two tokens
  /// meet, both sides merge as if alone.
  private static let stretch = 1 << 18
  private static let margin = 1 << 15

  /// Merges a piece of any length in room that does not grow with it.
  ///
  /// - Parameters:
  ///   - range: The offsets of the piece.
  ///   - longest: Symbols in the longest entry that merges make, or more.
  ///   - table: The merges.
  ///   - symbol: The symbol at an offset, nil for one that is left out, and how long it is.
  ///   - body: Gets each remaining symbol and the offsets that it covers.
  mutating func merge(
    _ range: Range<Int>, longest: Int, by table: MergeTable,
    symbol: (Int) -> (id: Int32?, length: Int),
    _ body: (Int32, Range<Int>) -> Void
  ) {
    let margin = max(Self.margin, 4 * longest)
    var limit = Self.stretch + 4 * margin
    var start = range.lowerBound
    var (piece, ends): ([Int32], [Int]) = ([], [])
    while start < range.upperBound {
      piece.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      var offset = start
      while offset < range.upperBound, piece.count < limit {
        let next = symbol(offset)
        offset += next.length
        guard let id = next.id else { continue }
        piece.append(id)
        ends.append(offset)
      }
      let isLast = offset == range.upperBound
      let settled = isLast ? piece.count : piece.count - margin
      var done = start
      merge(piece, by: table) { id, positions in
        guard positions.upperBound <= settled else { return }
        let end = ends[positions.upperBound - 1]
        body(id, done..<end)
        done = end
      }
      // A token that fills the stretch needs a longer one.
      if done == start { limit *= 2 }
      start = isLast ? range.upperBound : done
    }
  }

  /// Merges `piece` and calls `body` with each remaining symbol and the range of the positions in
  /// `piece` that it covers.
  mutating func merge(
    _ piece: [Int32], by table: MergeTable, _ body: (Int32, Range<Int>) -> Void
  ) {
    start(piece)
    for position in 0..<max(0, piece.count - 1) { propose(position, table) }
    while let entry = popSmallest() {
      let position = Int(UInt32(truncatingIfNeeded: entry))
      guard ranks[position] == UInt32(entry >> 32) else { continue }
      symbols[position] = results[position]
      let absorbed = Int(next[position])
      let following = next[absorbed]
      next[position] = following
      ranks[absorbed] = Self.noPair
      ranks[position] = Self.noPair
      if following >= 0 {
        previous[Int(following)] = Int32(position)
        propose(position, table)
      }
      if previous[position] >= 0 { propose(Int(previous[position]), table) }
    }
    var position = 0
    while position < piece.count {
      let following = next[position] < 0 ? piece.count : Int(next[position])
      body(symbols[position], position..<following)
      position = following
    }
  }

  private mutating func start(_ piece: [Int32]) {
    symbols.removeAll(keepingCapacity: true)
    symbols.append(contentsOf: piece)
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    ranks.removeAll(keepingCapacity: true)
    results.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    for position in piece.indices {
      previous.append(Int32(truncatingIfNeeded: position - 1))
      next.append(position + 1 < piece.count ? Int32(truncatingIfNeeded: position + 1) : -1)
      ranks.append(Self.noPair)
      results.append(0)
    }
  }

  /// Looks up the pair that starts at a position and makes it a candidate.
  private mutating func propose(_ position: Int, _ table: MergeTable) {
    let pair = table.merge(symbols[position], symbols[Int(next[position])])
    ranks[position] = pair?.rank ?? Self.noPair
    guard let pair else { return }
    results[position] = pair.result
    push(UInt64(pair.rank) << 32 | UInt64(position))
  }

  private mutating func push(_ entry: UInt64) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0, heap[(child - 1) / 2] > entry {
      heap[child] = heap[(child - 1) / 2]
      child = (child - 1) / 2
    }
    heap[child] = entry
  }

  private mutating func popSmallest() -> UInt64? {
    guard let smallest = heap.first, let entry = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return smallest }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < entry else { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = entry
    return smallest
  }
}
