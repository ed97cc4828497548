// The longest entries that spell a word, from its beginning on.

/// The vocabulary of WordPiece, ready to be searched.
struct WordPieceModel: SubwordModel {
  private let unknown: Int32
  private let wordStarts: ByteTrie
  private let continuations: ByteTrie
  private let maximumWordLength: Int

  /// Takes the entries; `unknown` is the id for words that they cannot spell.
  init(_ vocabulary: Vocabulary, unknown: Int32, options: WordPiece.Options) {
    self.unknown = unknown
    maximumWordLength = options.maximumWordLength
    let prefix = Array(options.continuationPrefix.utf8)
    var starts = ByteTrie()
    var rest = ByteTrie()
    for (id, text) in vocabulary.entries {
      if text.utf8.starts(with: prefix) { rest.insert(text.utf8.dropFirst(prefix.count), id: id) }
      starts.insert(text.utf8, id: id)
    }
    (wordStarts, continuations) = (starts, rest)
  }

  /// Appends the ids of the word `text[word]`.
  func append(_ text: [UInt8], _ word: Range<Int>, to ids: inout [Int32]) {
    let wordStart = ids.count
    // Continuation bytes of UTF-8 are not characters of their own.
    if word.count > maximumWordLength,
      text[word].count(where: { $0 & 0xC0 != 0x80 }) > maximumWordLength
    {
      ids.append(unknown)
      return
    }
    var offset = word.lowerBound
    while offset < word.upperBound {
      let trie = offset == word.lowerBound ? wordStarts : continuations
      guard let piece = trie.longestMatch(in: text, from: offset, to: word.upperBound) else {
        ids.removeSubrange(wordStart...)
        ids.append(unknown)
        return
      }
      ids.append(piece.id)
      offset = piece.end
    }
  }

  func append(
    _ text: [UInt8], _ range: Range<Int>, _ merger: inout PairMerger, to ids: inout [Int32]
  ) {
    append(text, range, to: &ids)
  }
}
