// The ways in which pieces of a vocabulary are two others put together.

/// Finds for each of many texts the pairs of them that make it up.
///
/// In the order of their bytes, the texts that begin with a text follow right behind it. One pass in
/// that order gives each text the longest that it begins with, and so, one after another, all that
/// it begins with; the same with the texts reversed gives those it ends with. So the work follows
/// the bytes of all texts, however long one of them is. Looking up both sides of every cut would
/// take the square of the longest.
package struct PieceSplits {
  private let lengths: [Int]
  /// For each text the longest shorter one that it begins with.
  private let beginnings: [Int?]
  /// For each text the longest shorter one that it ends with.
  private let endings: [Int?]

  /// Takes the texts; of equal ones, one stands for all where they are part of a longer one.
  package init(_ texts: [[UInt8]]) {
    lengths = texts.map(\.count)
    beginnings = Self.longestBeginnings(texts)
    endings = Self.longestBeginnings(texts.map { Array($0.reversed()) })
  }

  private static func longestBeginnings(_ texts: [[UInt8]]) -> [Int?] {
    var result = [Int?](repeating: nil, count: texts.count)
    // Texts that the current one may begin with, each of which begins with the one before it.
    var open: [Int] = []
    let order = texts.indices.sorted { texts[$0].lexicographicallyPrecedes(texts[$1]) }
    for index in order {
      while let last = open.last, !texts[index].starts(with: texts[last]) { open.removeLast() }
      if let last = open.last, texts[last].count == texts[index].count {
        result[index] = result[last]
      } else {
        result[index] = open.last
        open.append(index)
      }
    }
    return result
  }

  /// The pairs whose concatenation is a text, by index, that of the longest left side first. Texts
  /// of whole characters are cut between characters.
  package func pairs(of text: Int) -> [(left: Int, right: Int)] {
    var rights: [Int] = []
    var next = endings[text]
    while let right = next {
      rights.append(right)
      next = endings[right]
    }
    var pairs: [(left: Int, right: Int)] = []
    next = beginnings[text]
    while let left = next {
      let rest = lengths[text] - lengths[left]
      // Left sides get shorter, so right sides too short for this one fit none to come.
      while let right = rights.last, lengths[right] < rest { rights.removeLast() }
      if let right = rights.last, lengths[right] == rest { pairs.append((left, right)) }
      next = beginnings[left]
    }
    return pairs
  }
}
