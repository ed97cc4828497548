// The entries of a vocabulary by id and by text.

internal import HHFormat

/// A merge that names an entry the vocabulary does not have.
package struct MergeError: Error, Equatable {
  /// Which merge, counted from 0.
  package let index: Int
  /// The entry that is missing.
  package let missing: String
}

/// Vocabulary entries by id and by text, compared byte for byte.
package struct Vocabulary: Sendable {
  private var ids: [ByteKey: Int32] = [:]
  private var texts: [String?] = []

  /// The largest id a file may give; it bounds what a damaged file can make us allocate.
  package static let maximumID = 1 << 22

  /// Creates an empty vocabulary.
  package init() {}

  /// Adds an entry and says whether that was possible: the id is in range, and neither it nor the
  /// text is taken.
  @discardableResult
  package mutating func insert(_ text: String, id: Int) -> Bool {
    guard (0...Self.maximumID).contains(id) else { return false }
    while texts.count <= id { texts.append(nil) }
    guard texts[id] == nil, ids.updateValue(Int32(id), forKey: ByteKey(text)) == nil else {
      return false
    }
    texts[id] = text
    return true
  }

  /// Adds an entry whose text may be there already: it then has the new id only. Says whether the
  /// id was free and in range.
  mutating func insertLast(_ text: String, id: Int) -> Bool {
    if let old = self.id(of: text) {
      texts[Int(old)] = nil
      ids[ByteKey(text)] = nil
    }
    return insert(text, id: id)
  }

  /// Bytes of the longest entry.
  var longest: Int { texts.map { $0?.utf8.count ?? 0 }.max() ?? 0 }

  /// The ids of all entries by their bytes.
  var idsByBytes: [[UInt8]: Int32] {
    Dictionary(
      entries.map { (Array($0.text.utf8), $0.id) }, uniquingKeysWith: { first, _ in first })
  }

  /// One more than the largest id.
  package var size: Int { texts.count }
  /// The id of a text.
  package func id(of text: String) -> Int32? { ids[ByteKey(text)] }
  /// The text of an id, nil where no entry has it.
  package func text(of id: Int32) -> String? {
    texts.indices.contains(Int(id)) ? texts[Int(id)] : nil
  }
  /// All entries in the order of their ids.
  package var entries: [(id: Int32, text: String)] {
    texts.enumerated().compactMap { id, text in text.map { (Int32(id), $0) } }
  }

  /// The table of merges given as pairs of entries, the most urgent first. What a merge makes lacks
  /// so many bytes from the front of its right side.
  func mergeTable(
    _ pairs: [(left: String, right: String)], droppingFromRight dropped: Int = 0
  ) throws(MergeError) -> MergeTable {
    var table = MergeTable(minimumCapacity: pairs.count)
    for (rank, pair) in pairs.enumerated() {
      table.insert(
        try id(of: pair.left, inMerge: rank), try id(of: pair.right, inMerge: rank),
        rank: UInt32(truncatingIfNeeded: rank),
        result: try id(
          of: dropped == 0
            ? pair.left + pair.right
            : pair.left + String(decoding: pair.right.utf8.dropFirst(dropped), as: UTF8.self),
          inMerge: rank))
    }
    return table
  }

  private func id(of text: String, inMerge index: Int) throws(MergeError) -> Int32 {
    guard let id = id(of: text) else { throw MergeError(index: index, missing: text) }
    return id
  }
}
