// Unigram vocabularies of GGUF files, which the format calls after T5: those of XLM-R and its kin.

internal import HHFormat

/// Builds the tokenizer of a unigram vocabulary.
///
/// Text is cut as transformers cuts it for the same vocabulary: tokens are found in the text first,
/// every stretch between them gets a mark of its own, and the token for masked words takes the white
/// space before it. SentencePiece itself finds no tokens in text, and puts one mark before all of it.
struct TokenizerGGUFUnigram {
  private let keys: TokenizerGGUF
  private let special: SpecialTokens
  private let unknown: Int32

  /// Takes the keys that all kinds of tokenizer share.
  ///
  /// - Throws: `badData` where the token for unknown words is not named.
  init(_ keys: TokenizerGGUF) throws(FormatError) {
    self.keys = keys
    var special = keys.special
    let unknown = special.unknown ?? keys.kinds.firstIndex(of: .unknown).map(Int32.init)
    guard let unknown else {
      throw TokenizerGGUF.error(
        keys.file, "unknown_token_id", "expected the id for unknown words, found none")
    }
    self.unknown = unknown
    special.unknown = unknown
    special.cls = special.cls ?? special.bos
    special.sep = special.sep ?? special.eos
    self.special = special
  }

  /// The tokenizer.
  ///
  /// - Throws: `badData` for a missing or damaged key.
  func tokenizer() throws(FormatError) -> any Tokenizer {
    let mark = Array("\u{2581}".utf8)
    let addsPrefix = try stated("add_space_prefix")
    var normalizers: [NormalizerStep] = []
    if let map = try characterMap() { normalizers.append(.characters(map)) }
    if try stated("remove_extra_whitespaces"), let spaces = SplitPattern(known: " {2,}") {
      normalizers += [
        .strip(left: false, right: true), .replace(.expression(spaces), with: mark),
      ]
    }
    let pieces = try keys.pieces()
    var vocabulary = Vocabulary()
    for (id, piece) in pieces.enumerated() where piece.kind != .unused {
      guard vocabulary.insert(piece.text, id: id) else {
        throw TokenizerGGUF.error(
          keys.file, "tokens", "expected each once, found \(quoted(piece.text)) twice")
      }
    }
    let parts = ComponentTokenizer.Parts(
      normalizers: normalizers,
      preTokenizers: [
        .metaspace(
          mark: mark, prefix: addsPrefix ? .always : .never, yieldsToMark: true, splits: true)
      ], model: unigram(pieces),
      decoders: [
        .replace(.text(mark), with: [0x20]), .byteFallback, .fuse,
        .strip([0x20], start: addsPrefix ? 1 : 0, stop: 0),
      ])
    return ComponentTokenizer(
      vocabulary: vocabulary, parts: parts,
      added: keys.added.map { token in
        var token = token
        token.stripsLeft = token.id == special.mask
        return token
      }, special: special, frame: try keys.frame(addsBOS: false, addsEOS: true))
  }

  private func unigram(_ pieces: [SentencePieceModel.Piece]) -> Unigram {
    var entries: [(text: [UInt8], id: Int32)] = []
    var bytes: [UInt8: Int32] = [:]
    for (id, piece) in pieces.enumerated() where piece.kind != .unused {
      // Text that spells a byte's entry is that entry.
      entries.append((Array(piece.text.utf8), Int32(id)))
      if piece.kind == .byte {
        SentencePieceBPE.byte(of: piece.text).map { bytes[$0] = Int32(id) }
      }
    }
    return Unigram(
      entries, scores: pieces.map { Double($0.score) }, unknown: unknown,
      bytes: ByteFallback(bytes))
  }

  /// A flag that the ids depend on, so that it must be there.
  private func stated(_ name: String) throws(FormatError) -> Bool {
    if let flag = try keys.flag(name) { return flag }
    throw TokenizerGGUF.error(keys.file, name, "expected true or false, found none")
  }

  /// SentencePiece's compiled map of characters, whose bytes some writers take for signed numbers.
  private func characterMap() throws(FormatError) -> CharacterMap? {
    let name = "precompiled_charsmap"
    guard let numbers = try keys.file.integers(TokenizerGGUF.key(name)), !numbers.isEmpty else {
      return nil
    }
    guard numbers.allSatisfy({ (-128...255).contains($0) }),
      let map = CharacterMap(numbers.map { UInt8(truncatingIfNeeded: $0) }, .character)
    else {
      throw TokenizerGGUF.error(
        keys.file, name, "expected a map of characters, found \(numbers.count) numbers, no map")
    }
    return map
  }
}
