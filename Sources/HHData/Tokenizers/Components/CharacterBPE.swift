// BPE over the characters of a piece, with all that tokenizer.json can ask of it.

/// A BPE model of Hugging Face's tokenizers.
struct CharacterBPE: SubwordModel {
  /// What differs between such models.
  struct Options: Sendable {
    /// The id for characters without an entry; nil drops them.
    var unknown: Int32?
    /// Whether a run of unknown characters is one token.
    var joinsUnknown = false
    /// What every character but the first of a piece has before it.
    var continuationPrefix: [UInt8] = []
    /// What the last character of a piece has behind it.
    var wordSuffix: [UInt8] = []
    /// Whether a piece that is an entry is taken without merging.
    var ignoresMerges = false
  }

  private let entries: [[UInt8]: Int32]
  private let merges: MergeTable
  private let bytes: ByteFallback
  private let options: Options
  private let longest: Int

  /// Takes the entries with their ids, and the merges of ids.
  init(
    entries: [[UInt8]: Int32], merges: MergeTable, bytes: ByteFallback, options: Options
  ) {
    (self.entries, self.merges) = (entries, merges)
    (self.bytes, self.options) = (bytes, options)
    longest = entries.keys.map(\.count).max() ?? 0
  }

  func append(
    _ text: [UInt8], _ range: Range<Int>, _ merger: inout PairMerger, to ids: inout [Int32]
  ) {
    if options.ignoresMerges, let id = entries[Array(text[range])] {
      ids.append(id)
      return
    }
    var symbols: [Int32] = []
    var wasUnknown = false
    var offset = range.lowerBound
    while offset < range.upperBound {
      let end = offset + text.scalar(at: offset).length
      var character = offset == range.lowerBound ? [] : options.continuationPrefix
      character += text[offset..<end]
      if end == range.upperBound { character += options.wordSuffix }
      if let id = entries[character] {
        symbols.append(id)
        wasUnknown = false
      } else if !bytes.isEmpty {
        for byte in character { symbols.append(bytes[byte]) }
        wasUnknown = false
      } else if let unknown = options.unknown {
        if !wasUnknown || !options.joinsUnknown { symbols.append(unknown) }
        wasUnknown = true
      }
      offset = end
    }
    merger.merge(
      symbols.indices, longest: longest, by: merges, symbol: { (symbols[$0], 1) }
    ) { id, _ in
      ids.append(id)
    }
  }
}
