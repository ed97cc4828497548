// SentencePiece BPE: Llama-1 and -2 and their kin, from tokenizer.model or tokenizer.json.

/// U+2581, which stands for a space inside pieces.
private let spaceMark: Unicode.Scalar = "\u{2581}"

/// A BPE tokenizer over characters, with bytes for the characters it lacks.
package struct SentencePieceBPE: Tokenizer {
  package var vocabularySize: Int { pieces.count }
  package var special: SpecialTokens
  package let frame: TokenFrame

  /// When a space mark is put before a text.
  package enum Prefix: Sendable {
    case never
    /// Before the text as a whole and before each stretch after an added token.
    case always
    /// Before the beginning of the text only.
    case first
  }

  /// How text becomes characters of the vocabulary.
  package struct Normalization: Sendable {
    package var prefix = Prefix.always
    /// Whether text that begins with a space gets no further mark.
    var prefixYieldsToSpace = false
    /// Whether runs of spaces are made one, and those at the ends dropped.
    package var removesExtraSpaces = false
    /// What characters are replaced with before all else.
    var characters: CharacterMap?
    /// Whether every space mark begins a piece that nothing merges across.
    var splitsAtSpaces = false
  }

  /// What an id stands for when decoding.
  enum Piece: Sendable {
    case text(String)
    case byte(UInt8)
    /// A special token, or an id without an entry.
    case nothing
  }

  /// The vocabulary as files have it: texts, scores and kinds.
  package let entries: [SentencePieceModel.Piece]
  private let pieces: [Piece]
  private let merges: MergeTable
  private let characters: [Unicode.Scalar: Int32]
  private let byteIDs: [Int32]
  private let frozen: ByteTrie
  package let normalization: Normalization
  private let splitsBeforeMarks: Bool
  private let longestEntry: Int
  package let added: AddedTokens

  /// Creates a tokenizer from a parsed model. `added` tokens are cut out of the text first.
  /// What follows each of them begins like a text.
  package init(
    _ model: SentencePieceModel, added: [AddedToken] = [], frame: TokenFrame
  ) {
    var normalization = Normalization()
    normalization.prefix =
      !model.addsDummyPrefix ? .never : added.isEmpty ? .first : .always
    normalization.removesExtraSpaces = model.removesExtraSpaces
    self.init(
      model, added: added, normalization: normalization, special: model.special, frame: frame)
  }

  init(
    _ model: SentencePieceModel, added: [AddedToken], normalization: Normalization,
    special: SpecialTokens, frame: TokenFrame
  ) {
    var ids: [[UInt8]: Int32] = [:]
    var pieces: [Piece] = []
    var bytes: [UInt8: Int32] = [:]
    var frozen = ByteTrie()
    for (id, piece) in model.pieces.enumerated() {
      let id = Int32(truncatingIfNeeded: id)
      pieces.append(.text(piece.text))
      switch piece.kind {
      case .control, .unknown, .unused: pieces[Int(id)] = .nothing
      case .userDefined: frozen.insert(piece.text.utf8, id: id)
      case .normal: ids[Array(piece.text.utf8)] = id
      case .byte:
        guard let byte = Self.byte(of: piece.text) else { continue }
        pieces[Int(id)] = .byte(byte)
        bytes[byte] = id
      }
    }
    let (merges, characters) = Self.scoredMerges(ids) { model.pieces[Int($0)].score }
    self.init(
      entries: model.pieces, pieces: pieces, merges: merges, characters: characters, bytes: bytes,
      frozen: frozen,
      normalization: normalization,
      added: AddedTokens(added) { normalization($0, isFirst: true) }, special: special,
      frame: frame)
  }

  init(
    entries: [SentencePieceModel.Piece], pieces: [Piece], merges: MergeTable,
    characters: [Unicode.Scalar: Int32],
    bytes: [UInt8: Int32], frozen: ByteTrie = ByteTrie(), normalization: Normalization,
    added: AddedTokens, special: SpecialTokens, frame: TokenFrame
  ) {
    self.entries = entries
    self.pieces = pieces
    self.merges = merges
    self.characters = characters
    // Bytes help only where every one of them has a token.
    byteIDs = bytes.count == 256 ? (0...UInt8.max).compactMap { bytes[$0] } : []
    self.frozen = frozen
    longestEntry = entries.map(\.text.utf8.count).max() ?? 0
    self.normalization = normalization
    self.added = added
    self.special = special
    self.frame = frame
    // Where no piece goes on from a word into the next, words can be merged one by one.
    splitsBeforeMarks =
      normalization.splitsAtSpaces
      || !pieces.contains { piece in
        guard case .text(let text) = piece else { return false }
        return text.unicodeScalars.drop { $0 == spaceMark }.contains(spaceMark)
      }
  }

  /// The byte of `<0x0A>`.
  static func byte(of text: String) -> UInt8? {
    guard text.hasPrefix("<0x"), text.hasSuffix(">"), text.utf8.count == 6 else { return nil }
    return UInt8(text.dropFirst(3).dropLast(), radix: 16)
  }

  /// The pairs that SentencePiece would merge: any two symbols whose concatenation is a piece, the
  /// higher score first. Characters that occur in pieces but are none get ids past the vocabulary.
  private static func scoredMerges(
    _ ids: [[UInt8]: Int32], score: (Int32) -> Float
  ) -> (MergeTable, [Unicode.Scalar: Int32]) {
    var symbols = ids
    var characters: [Unicode.Scalar: Int32] = [:]
    var nextID = 1 + (ids.values.max() ?? 0)
    for bytes in ids.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      var offset = 0
      while offset < bytes.count {
        let (scalar, length) = bytes.scalar(at: offset)
        let text = Array(bytes[offset..<offset + length])
        if symbols[text] == nil {
          symbols[text] = Int32(Vocabulary.maximumID) + nextID
          nextID += 1
        }
        characters[scalar] = symbols[text]
        offset += length
      }
    }
    let scores = Set(ids.values.map(score)).sorted(by: >)
    let ranks = Dictionary(uniqueKeysWithValues: zip(scores, UInt32(0)...))
    var table = MergeTable(minimumCapacity: ids.count * 2)
    let entries = symbols.map { (text: $0.key, id: $0.value) }
    let splits = PieceSplits(entries.map(\.text))
    for (index, entry) in entries.enumerated() {
      // Only pieces have pairs: the other symbols are single characters.
      for (left, right) in splits.pairs(of: index) {
        table.insert(
          entries[left].id, entries[right].id, rank: ranks[score(entry.id)] ?? 0,
          result: entry.id)
      }
    }
    return (table, characters)
  }

  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    var merger = PairMerger()
    added.split(
      Array(text.utf8), normalize: { normalization($0, isFirst: $1) },
      onToken: { ids.append($0) },
      onText: { bytes, range, _ in
        var start = range.lowerBound
        var offset = start
        while offset < range.upperBound {
          if let found = frozen.longestMatch(in: bytes, from: offset, to: range.upperBound) {
            append(bytes, start..<offset, &merger, to: &ids)
            ids.append(found.id)
            (start, offset) = (found.end, found.end)
            continue
          }
          let (scalar, length) = bytes.scalar(at: offset)
          if scalar == spaceMark, splitsBeforeMarks, offset > start,
            normalization.splitsAtSpaces || bytes.scalar(before: offset) != spaceMark
          {
            append(bytes, start..<offset, &merger, to: &ids)
            start = offset
          }
          offset += length
        }
        append(bytes, start..<range.upperBound, &merger, to: &ids)
      })
    return ids
  }

  private func append(
    _ text: [UInt8], _ range: Range<Int>, _ merger: inout PairMerger, to ids: inout [Int32]
  ) {
    var wasUnknown = false
    merger.merge(
      range, longest: longestEntry, by: merges,
      symbol: { offset in
        let (scalar, length) = text.scalar(at: offset)
        return (characters[scalar] ?? -1, length)
      }
    ) { id, part in
      let isKnown = pieces.indices.contains(Int(id))
      defer { wasUnknown = !isKnown }
      if isKnown {
        ids.append(id)
      } else if !byteIDs.isEmpty {
        for byte in text[part] { ids.append(byteIDs[Int(byte)]) }
      } else if let unknown = special.unknown, !wasUnknown {
        ids.append(unknown)
      }
    }
  }

  package func decode(_ ids: [Int32]) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if let token = added.entries[id] {
        if !token.isSpecial { bytes += token.content.utf8 }
        continue
      }
      guard pieces.indices.contains(Int(id)) else { continue }
      switch pieces[Int(id)] {
      case .nothing: continue
      case .byte(let byte): bytes.append(byte)
      case .text(let text):
        for scalar in text.unicodeScalars { bytes.append(scalar == spaceMark ? " " : scalar) }
      }
    }
    if normalization.prefix != .never, bytes.first == 0x20 { bytes.removeFirst() }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension SentencePieceBPE.Normalization {
  /// The normalised text; `isFirst` says whether the stretch begins the whole text.
  func callAsFunction(_ text: [UInt8], isFirst: Bool) -> [UInt8] {
    var words = (characters.map { $0(text) } ?? text)[...]
    if removesExtraSpaces {
      words = words.drop { $0 == 0x20 }
      while words.last == 0x20 { words.removeLast() }
    }
    guard !words.isEmpty else { return [] }
    let takesPrefix =
      switch prefix {
      case .never: false
      case .always: true
      case .first: isFirst
      }
    var result: [UInt8] = []
    result.reserveCapacity(words.count * 3 / 2)
    if takesPrefix, !prefixYieldsToSpace || !words.beginsWithSpace { result.append(spaceMark) }
    var wasSpace = false
    for byte in words {
      if byte != 0x20 {
        result.append(byte)
      } else if !removesExtraSpaces || !wasSpace {
        result.append(spaceMark)
      }
      wasSpace = byte == 0x20
    }
    return result
  }
}

extension ArraySlice<UInt8> {
  fileprivate var beginsWithSpace: Bool {
    first == 0x20 || starts(with: Unicode.UTF8.encode(spaceMark) ?? .init())
  }
}
