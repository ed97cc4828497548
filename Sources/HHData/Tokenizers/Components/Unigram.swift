// Unigram: of all ways to cut a piece into entries the one whose scores have the greatest sum.

/// A unigram model (Kudo 2018), as SentencePiece trains it.
struct Unigram: SubwordModel {
  private let trie: ByteTrie
  private let scores: [Double]
  private let unknown: Int32
  private let unknownScore: Double
  private let bytes: ByteFallback
  private let addsInSinglePrecision: Bool

  /// What a character without an entry scores below the worst entry.
  private static let penalty = 10.0
  /// Bytes between two looks for what is settled.
  private static let stretch = 1 << 16

  /// Takes the entries that text is cut into, with their scores by id. SentencePiece adds scores in
  /// single precision, which decides between ways that are as good.
  init(
    _ entries: [(text: [UInt8], id: Int32)], scores: [Double], unknown: Int32, bytes: ByteFallback,
    addsInSinglePrecision: Bool = false
  ) {
    var trie = ByteTrie()
    var worst = Double.infinity
    for entry in entries {
      trie.insert(entry.text, id: entry.id)
      worst = min(worst, scores[Int(entry.id)])
    }
    (self.trie, self.scores) = (trie, scores)
    self.addsInSinglePrecision = addsInSinglePrecision
    (self.unknown, self.bytes) = (unknown, bytes)
    unknownScore = (worst.isFinite ? worst : 0) - Self.penalty
  }

  /// The best way to a place in the text.
  private struct Node {
    var score = -Double.infinity
    /// Where its last entry begins.
    var start = -1
    var id: Int32 = 0
  }

  func append(
    _ text: [UInt8], _ range: Range<Int>, _ merger: inout PairMerger, to ids: inout [Int32]
  ) {
    // Nodes from `base` on; what lies before it is settled.
    var base = range.lowerBound
    var nodes = [Node(score: 0, start: base)]
    var wasUnknown = false
    var offset = base
    var nextLook = base + Self.stretch
    while offset < range.upperBound {
      let length = text.scalar(at: offset).length
      step(text, offset, length, range.upperBound, base, &nodes)
      offset += length
      if offset >= nextLook {
        nextLook = offset + Self.stretch
        let settled = commonPlace(nodes, base: base, from: offset)
        emit(text, nodes, base: base, to: settled, &wasUnknown, &ids)
        nodes.removeSubrange(0..<settled - base)
        base = settled
      }
    }
    emit(text, nodes, base: base, to: range.upperBound, &wasUnknown, &ids)
  }

  /// Tries every entry that begins at a place.
  private func step(
    _ text: [UInt8], _ offset: Int, _ length: Int, _ end: Int, _ base: Int, _ nodes: inout [Node]
  ) {
    let best = nodes[offset - base].score
    func propose(_ id: Int32, _ end: Int, _ score: Double) {
      while nodes.count <= end - base { nodes.append(Node()) }
      let node = end - base
      let sum = addsInSinglePrecision ? Double(Float(best) + Float(score)) : best + score
      if nodes[node].start < 0 || sum > nodes[node].score {
        nodes[node] = Node(score: sum, start: offset, id: id)
      }
    }
    var hasCharacter = false
    trie.forEachMatch(in: text, from: offset, to: end) { id, end in
      propose(id, end, scores[Int(id)])
      if end == offset + length { hasCharacter = true }
    }
    if !hasCharacter { propose(unknown, offset + length, unknownScore) }
  }

  /// The last place that the best ways to all places from `end` on have in common.
  private func commonPlace(_ nodes: [Node], base: Int, from end: Int) -> Int {
    var open = Set((end..<base + nodes.count).filter { nodes[$0 - base].start >= 0 })
    while open.count > 1, let last = open.max() {
      open.remove(last)
      open.insert(nodes[last - base].start)
    }
    return open.first ?? base
  }

  /// Appends the entries from `base` to a settled place.
  private func emit(
    _ text: [UInt8], _ nodes: [Node], base: Int, to end: Int, _ wasUnknown: inout Bool,
    _ ids: inout [Int32]
  ) {
    var path: [(id: Int32, range: Range<Int>)] = []
    var place = end
    while place > base {
      let node = nodes[place - base]
      path.append((node.id, node.start..<place))
      place = node.start
    }
    for (id, range) in path.reversed() {
      if id != unknown {
        ids.append(id)
      } else if !bytes.isEmpty {
        for byte in text[range] { ids.append(bytes[byte]) }
      } else if !wasUnknown {
        // A run of unknown characters is one token.
        ids.append(id)
      }
      wasUnknown = id == unknown
    }
  }
}
