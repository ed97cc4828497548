// The SentencePiece form of tokenizer.json: BPE over characters with bytes to fall back on.

internal import HHFormat

extension TokenizerJSON {
  func sentencePieceBPE(
    _ model: JSONValue, _ steps: [JSONValue]
  ) throws(FormatError) -> any Tokenizer {
    if model["ignore_merges"]?.bool == true { throw unsupported("model.ignore_merges", "true") }
    let normalization = try sentencePieceNormalization(steps)
    try refuseCharacterOptions(of: model)
    let vocabulary = try vocabulary(of: model)
    let tokens = try tokens(model, vocabulary)
    let pairs = try merges(of: model)
    let table = try MergeError.reported(in: file) { try vocabulary.mergeTable(pairs) }
    let size = max(vocabulary.size, 1 + Int(tokens.added.map(\.id).max() ?? -1))
    var pieces = [SentencePieceBPE.Piece](repeating: .nothing, count: size)
    var characters: [Unicode.Scalar: Int32] = [:]
    var bytes: [UInt8: Int32] = [:]
    let fallsBack = model["byte_fallback"]?.bool ?? false
    for (id, text) in vocabulary.entries {
      if fallsBack, let byte = SentencePieceBPE.byte(of: text) {
        pieces[Int(id)] = .byte(byte)
        bytes[byte] = id
      } else {
        pieces[Int(id)] = .text(text)
      }
      if let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 {
        characters[scalar] = id
      }
    }
    if bytes.count < 256, model["fuse_unk"]?.bool != true {
      throw unsupported("model.fuse_unk", "false")
    }
    return SentencePieceBPE(
      entries: entries(of: vocabulary, count: size, fallsBack: fallsBack, tokens, pairs),
      pieces: pieces, merges: table, characters: characters, bytes: bytes,
      normalization: normalization,
      added: AddedTokens(
        self.steps("normalizer").isEmpty ? tokens.added.inOriginalText : tokens.added
      ) {
        normalization($0, isFirst: true)
      },
      special: tokens.special, frame: tokens.frame)
  }

  /// The vocabulary as a SentencePiece model would have it. An entry's score is the negated rank of
  /// the first merge that makes it, which asks for the same merges in the same order.
  private func entries(
    of vocabulary: Vocabulary, count: Int, fallsBack: Bool, _ tokens: Tokens,
    _ merges: [(left: String, right: String)]
  ) -> [SentencePieceModel.Piece] {
    var entries = [SentencePieceModel.Piece](
      repeating: SentencePieceModel.Piece(kind: .unused), count: count)
    for (id, text) in vocabulary.entries {
      let isByte = fallsBack && SentencePieceBPE.byte(of: text) != nil
      entries[Int(id)] = SentencePieceModel.Piece(text: text, kind: isByte ? .byte : .normal)
    }
    for (rank, merge) in merges.enumerated().reversed() {
      guard let id = vocabulary.id(of: merge.left + merge.right) else { continue }
      entries[Int(id)].score = -Float(rank)
    }
    for token in tokens.added {
      entries[Int(token.id)] = SentencePieceModel.Piece(
        text: token.content, kind: token.isSpecial ? .control : .userDefined)
    }
    if let unknown = tokens.special.unknown { entries[Int(unknown)].kind = .unknown }
    return entries
  }

  /// `Prepend` and `Replace` normalisers (Llama's converter), or a `Metaspace` pre-tokenizer.
  private func sentencePieceNormalization(
    _ steps: [JSONValue]
  ) throws(FormatError) -> SentencePieceBPE.Normalization {
    let mark = "\u{2581}"
    var normalization = SentencePieceBPE.Normalization()
    normalization.prefix = .never
    var replaces = false
    for step in self.steps("normalizer") {
      switch type(of: step) {
      case "Prepend" where step["prepend"]?.string == mark: normalization.prefix = .always
      case "Replace"
      where step["pattern"]?["String"]?.string == " "
        && step["content"]?.string == mark:
        replaces = true
      case let other: throw unsupported("normalizer", other)
      }
    }
    for step in steps {
      guard type(of: step) == "Metaspace", step["replacement"]?.string ?? mark == mark else {
        throw unsupported("pre_tokenizer", type(of: step))
      }
      normalization.prefix = try prefix(of: step)
      normalization.prefixYieldsToSpace = true
      normalization.splitsAtSpaces = step["split"]?.bool ?? true
      replaces = true
    }
    guard replaces else { throw unsupported("pre_tokenizer", "none for spaces") }
    if settings.isLlama, settings.addsPrefixSpace == false { normalization.prefix = .never }
    return normalization
  }

  /// When a `Metaspace` puts its mark before a text.
  func prefix(of step: JSONValue) throws(FormatError) -> SentencePieceBPE.Prefix {
    // Files before prepend_scheme said the same with add_prefix_space.
    let isPrefixed = step["add_prefix_space"]?.bool ?? true
    switch step["prepend_scheme"]?.string ?? (isPrefixed ? "always" : "never") {
    case "always": return .always
    case "first": return .first
    case "never": return .never
    case let other: throw unsupported("pre_tokenizer.prepend_scheme", other)
    }
  }
}
