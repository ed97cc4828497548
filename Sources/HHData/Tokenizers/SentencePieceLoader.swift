// tokenizer.model with the files around it: as SentencePiece itself reads it, or as transformers'
// Llama classes do.

internal import HHFormat

/// Opens a SentencePiece model.
struct SentencePieceLoader {
  private let settings: TokenizerSettings
  private let model: SentencePieceModel
  private let special: SpecialTokens
  private let added: [AddedToken]

  /// Reads the model and joins it with the tokens that the files beside it list.
  ///
  /// - Throws: `FormatError` for a damaged model and for files that contradict it.
  init(
    _ files: ModelFiles, _ name: String, _ settings: TokenizerSettings
  ) throws(FormatError) {
    self.settings = settings
    var model = try SentencePieceModel(parsing: files.bytes(name), file: files.path(name))
    var vocabulary = Vocabulary()
    for (id, piece) in model.pieces.enumerated() { vocabulary.insert(piece.text, id: id) }
    // SentencePiece itself takes `<s>` in a text for text; transformers takes it for the token.
    var own: [AddedToken] = []
    if settings.isLlama {
      for (id, piece) in model.pieces.enumerated() {
        switch piece.kind {
        case .control, .unknown: own.append(AddedToken(id: Int32(id), content: piece.text))
        case .userDefined:
          own.append(AddedToken(id: Int32(id), content: piece.text, isSpecial: false))
        default: continue
        }
      }
    }
    let known = try KnownTokens(own: own, vocabulary, settings, file: files.path(name))
    // Spaces become marks after tokens are cut out, but for the first of Llama's classes.
    added = settings.isLegacy == true ? known.added : known.added.inOriginalText
    model.append(added)
    self.model = model
    let named = settings.special { text in
      settings.names(text) ? known.id(of: text) : nil
    }
    special = SpecialTokens(
      bos: named.bos ?? model.special.bos, eos: named.eos ?? model.special.eos,
      unknown: model.special.unknown, padding: named.padding ?? model.special.padding,
      cls: named.cls, sep: named.sep, mask: named.mask)
  }

  /// The tokenizer, BPE or unigram.
  func tokenizer() -> any Tokenizer {
    var frame = TokenFrame()
    if settings.addsBOS ?? true, let bos = special.bos { frame.prefix = [bos] }
    if settings.addsEOS ?? false, let eos = special.eos { frame.suffix = [eos] }
    return model.isUnigram
      ? unigram(frame)
      : SentencePieceBPE(
        model, added: added, normalization: normalization, special: special, frame: frame)
  }

  /// When a mark goes before a text: Llama's classes let the settings say.
  private var prefix: SentencePieceBPE.Prefix {
    guard settings.isLlama else { return model.addsDummyPrefix ? .first : .never }
    if settings.addsPrefixSpace == false { return .never }
    return settings.isLegacy == true ? .always : .first
  }

  /// Whether text that begins with a space gets no mark: in Llama's present classes only.
  private var yieldsToSpace: Bool { settings.isLlama && settings.isLegacy != true }

  private var normalization: SentencePieceBPE.Normalization {
    var normalization = SentencePieceBPE.Normalization()
    normalization.prefix = prefix
    normalization.prefixYieldsToSpace = yieldsToSpace
    normalization.removesExtraSpaces = model.removesExtraSpaces
    normalization.characters = model.characters
    return normalization
  }

  private func unigram(_ frame: TokenFrame) -> any Tokenizer {
    let mark = Array("\u{2581}".utf8)
    var normalizers: [NormalizerStep] = model.characters.map { [.characters($0)] } ?? []
    if model.removesExtraSpaces { normalizers.append(.extraSpaces) }
    let parts = ComponentTokenizer.Parts(
      normalizers: normalizers,
      preTokenizers: [
        .metaspace(mark: mark, prefix: prefix, yieldsToMark: yieldsToSpace, splits: false)
      ], model: Unigram(model, unknown: special.unknown ?? 0),
      decoders: [
        .replace(.text(mark), with: [0x20]), .byteFallback, .fuse,
        .strip([0x20], start: prefix == .never ? 0 : 1, stop: 0),
      ])
    var vocabulary = Vocabulary()
    for (id, piece) in model.pieces.enumerated() where piece.kind != .unused {
      vocabulary.insert(piece.text, id: id)
    }
    return ComponentTokenizer(
      vocabulary: vocabulary, parts: parts, added: added, special: special, frame: frame)
  }
}

extension Unigram {
  /// The entries of a SentencePiece model. One that a user defined wins over all others of its
  /// length (unigram_model.cc).
  fileprivate init(_ model: SentencePieceModel, unknown: Int32) {
    var entries: [(text: [UInt8], id: Int32)] = []
    var scores: [Double] = []
    var bytes: [UInt8: Int32] = [:]
    let best = model.pieces.filter { $0.kind == .normal }.map { Double($0.score) }.max() ?? 0
    for (id, piece) in model.pieces.enumerated() {
      let text = Array(piece.text.utf8)
      var score = Double(piece.score)
      switch piece.kind {
      case .normal: entries.append((text, Int32(id)))
      case .userDefined:
        score = Double(text.count) * best - 0.1
        entries.append((text, Int32(id)))
      case .byte: SentencePieceBPE.byte(of: piece.text).map { bytes[$0] = Int32(id) }
      default: break
      }
      scores.append(score)
    }
    self.init(
      entries, scores: scores, unknown: unknown, bytes: ByteFallback(bytes),
      addsInSinglePrecision: true)
  }
}
