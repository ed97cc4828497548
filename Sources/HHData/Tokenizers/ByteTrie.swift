// Longest-prefix search among byte strings.

/// Maps byte strings to ids and finds the longest one that begins at an offset.
struct ByteTrie: Sendable {
  private var edges: [UInt64: Int32] = [:]
  private var ids: [Int32] = [Self.none]
  private var firstBytes = [Bool](repeating: false, count: 256)
  private static let none: Int32 = -1

  /// Whether the trie holds nothing.
  var isEmpty: Bool { edges.isEmpty }

  /// Adds a string; an empty one is ignored, a repeated one takes the later id.
  mutating func insert<Bytes: Sequence<UInt8>>(_ bytes: Bytes, id: Int32) {
    var node: Int32 = 0
    for byte in bytes {
      let key = Self.key(node, byte)
      if node == 0 { firstBytes[Int(byte)] = true }
      if let child = edges[key] {
        node = child
      } else {
        node = Int32(truncatingIfNeeded: ids.count)
        edges[key] = node
        ids.append(Self.none)
      }
    }
    if node != 0 { ids[Int(node)] = id }
  }

  /// The longest entry that is a prefix of `text[start..<end]`: its id and where it ends.
  func longestMatch(in text: [UInt8], from start: Int, to end: Int) -> (id: Int32, end: Int)? {
    var best: (id: Int32, end: Int)?
    forEachMatch(in: text, from: start, to: end) { best = ($0, $1) }
    return best
  }

  /// Calls `body` with the id and the end of every entry that is a prefix of `text[start..<end]`,
  /// the shortest first.
  @inline(__always)
  func forEachMatch(
    in text: [UInt8], from start: Int, to end: Int, _ body: (Int32, Int) -> Void
  ) {
    guard start < end, firstBytes[Int(text[start])] else { return }
    var node: Int32 = 0
    for offset in start..<end {
      guard let child = edges[Self.key(node, text[offset])] else { break }
      node = child
      if ids[Int(node)] != Self.none { body(ids[Int(node)], offset + 1) }
    }
  }

  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
    UInt64(node) << 8 | UInt64(byte)
  }
}
