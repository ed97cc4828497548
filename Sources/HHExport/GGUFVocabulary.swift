// A tokenizer in the form in which GGUF files keep it: what `TokenizerGGUF` reads.

internal import HHData
internal import HHFormat

/// Entries, kinds, scores and merges of a tokenizer, and how text becomes them.
struct GGUFVocabulary {
  /// What an entry is for; the numbers are those of GGUF files.
  typealias Kind = SentencePieceModel.Kind

  let model: GGUFTokenizerKind
  /// How text is cut into pieces, for byte-level BPE.
  var preTokenization: String?
  /// Texts and kinds by id.
  var tokens: [(text: String, kind: Kind)]
  var scores: [Float]?
  /// Merges of entries, the most urgent first.
  var merges: [String]?
  /// How text is cleaned, for WordPiece.
  private var normalization: BertNormalization?
  /// Whether a space goes before a text, and whether runs of spaces are made one.
  var spaces: (addsPrefix: Bool, removesExtra: Bool)?
  /// SentencePiece's compiled map of characters, for unigram.
  private(set) var characterMap: [UInt8]?

  /// The form of a tokenizer of any kind.
  ///
  /// Throws `unsupported` for settings that GGUF has no keys for: a reader would cut text into
  /// other tokens. `file` is the model's name for messages.
  init(_ tokenizer: any Tokenizer, file: String) throws(FormatError) {
    switch tokenizer {
    case let tokenizer as ByteLevelBPE: try self.init(byteLevel: tokenizer, file: file)
    case let tokenizer as SentencePieceBPE: try self.init(sentencePiece: tokenizer, file: file)
    case let tokenizer as WordPiece: try self.init(wordPiece: tokenizer, file: file)
    default: throw Self.unsupported("another kind than BPE and WordPiece", file)
    }
  }

  private static func unsupported(_ what: String, _ file: String) -> FormatError {
    FormatError(
      .unsupported, file: file, place: "tokenizer",
      problem: "\(what): expected what a GGUF file has keys for",
      hint: "export to hf, which carries the tokenizer's own files along")
  }

  private static func entries(
    _ vocabulary: Vocabulary, _ added: AddedTokens, count: Int
  ) -> [(text: String, kind: Kind)] {
    var tokens = (0..<count).map { (text: "[PAD\($0)]", kind: Kind.unused) }
    for (id, text) in vocabulary.entries { tokens[Int(id)] = (text, .normal) }
    for (id, token) in added.entries {
      tokens[Int(id)] = (token.content, token.isSpecial ? .control : .userDefined)
    }
    return tokens
  }

  private init(byteLevel tokenizer: ByteLevelBPE, file: String) throws(FormatError) {
    if tokenizer.composes { throw Self.unsupported("normalisation to form C", file) }
    if tokenizer.addsPrefixSpace { throw Self.unsupported("a space before every text", file) }
    model = .byteLevelBPE
    guard
      let pre = GGUFPreTokenizer.matching(
        tokenizer.preTokenization, ignoresMerges: tokenizer.ignoresMerges)
    else { throw Self.unsupported("its way of cutting text into pieces", file) }
    preTokenization = pre.names.first
    tokens = Self.entries(
      tokenizer.vocabulary, tokenizer.added, count: tokenizer.vocabularySize)
    merges = tokenizer.merges.pairs.map { left, right in
      let parts = [left, right].map { tokenizer.vocabulary.text(of: $0) ?? "" }
      return "\(parts[0]) \(parts[1])"
    }
  }

  private init(sentencePiece tokenizer: SentencePieceBPE, file: String) throws(FormatError) {
    model = .sentencePiece
    tokens = tokenizer.entries.enumerated().map { id, piece in
      (piece.kind == .unused && piece.text.isEmpty ? "[PAD\(id)]" : piece.text, piece.kind)
    }
    scores = tokenizer.entries.map(\.score)
    let normalization = tokenizer.normalization
    spaces = (normalization.prefix != .never, normalization.removesExtraSpaces)
  }

  /// The unigram vocabulary that a GGUF file has: no other form of one is written.
  init(unigramOf file: any GGUFMetadataSource) throws(FormatError) {
    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
    model = .unigram
    let kinds = try file.integers(key("token_type"))
    tokens = try (file.strings(key("tokens")) ?? []).enumerated().map {
      (id, text) throws(FormatError) in
      (text, kinds.flatMap { UInt64(exactly: $0[id]).flatMap(Kind.init) } ?? .normal)
    }
    scores = try file.floats(key("scores"))
    spaces = (
      try file.value(key("add_space_prefix"))?.bool == true,
      try file.value(key("remove_extra_whitespaces"))?.bool == true
    )
    characterMap = try file.integers(key("precompiled_charsmap"))?.map {
      UInt8(truncatingIfNeeded: $0)
    }
  }

  /// Entries that continue a word lose their `##`, those that begin one get U+2581 in front.
  private init(wordPiece tokenizer: WordPiece, file: String) throws(FormatError) {
    let normalization = tokenizer.normalization
    guard tokenizer.options == WordPiece.Options(), normalization.cleansText,
      normalization.spacesIdeographs
    else { throw Self.unsupported("another clean-up than BERT's", file) }
    model = .wordPiece
    self.normalization = normalization
    tokens = Self.entries(
      tokenizer.vocabulary, tokenizer.added, count: tokenizer.vocabularySize
    ).map { text, kind in
      guard kind == .normal || kind == .userDefined else { return (text, kind) }
      return (text.hasPrefix("##") ? String(text.dropFirst(2)) : "\u{2581}\(text)", kind)
    }
  }

  /// The metadata of a file.
  ///
  /// - Parameters:
  ///   - tokenizer: The tokenizer, for its roles and its frame.
  ///   - size: Rows of the embedding; entries beyond the tokenizer's are unused ones.
  ///   - file: The model's name for messages.
  /// - Returns: The keys in the order in which converters write them.
  /// - Throws: `badData` where the tokenizer has more entries than the embedding has rows,
  ///   `unsupported` for a frame that is not made of the usual tokens.
  func keyValues(
    for tokenizer: any Tokenizer, size: Int, file: String
  ) throws(FormatError) -> [GGUFKeyValue] {
    guard tokens.count <= size else {
      throw FormatError(
        .badData, file: file, place: "tokenizer",
        problem: "expected at most \(size) entries, as the embedding has rows, found "
          + "\(tokens.count)")
    }
    let padded = tokens + (tokens.count..<size).map { ("[PAD\($0)]", Kind.unused) }
    let stem = "tokenizer.ggml"
    var keys: [GGUFKeyValue] = [.string("\(stem).model", model.rawValue)]
    if let preTokenization { keys.append(.string("\(stem).pre", preTokenization)) }
    keys.append(.strings("\(stem).tokens", padded.map { $0.0 }))
    if let scores {
      // Unused entries get a score that no merge can win by.
      keys.append(
        .floats("\(stem).scores", scores + (scores.count..<size).map { _ in -10_000 }))
    }
    keys.append(
      .integers("\(stem).token_type", padded.map { Int32(truncatingIfNeeded: $0.1.rawValue) }))
    if let merges, !merges.isEmpty { keys.append(.strings("\(stem).merges", merges)) }
    let special = tokenizer.special
    for (role, id) in [
      // Readers of today begin BERT's texts with the first of these, older ones with the last.
      ("bos", model == .wordPiece ? special.cls : special.bos), ("eos", special.eos),
      ("eot", special.ends.dropFirst().first), ("unknown", special.unknown),
      // The first authors of the format misspelt it, and every reader follows them.
      ("seperator", special.sep), ("padding", special.padding), ("mask", special.mask),
      ("cls", special.cls),
    ] {
      guard let id else { continue }
      keys.append(.uint32("\(stem).\(role)_token_id", UInt32(bitPattern: id)))
    }
    if let spaces {
      keys.append(.bool("\(stem).add_space_prefix", spaces.addsPrefix))
      keys.append(.bool("\(stem).remove_extra_whitespaces", spaces.removesExtra))
    }
    if let normalization {
      keys.append(.bool("\(stem).normalizer.lowercase", normalization.lowercases))
      keys.append(.bool("\(stem).normalizer.strip_accents", normalization.stripsAccents))
    }
    return keys + (try frameKeys(tokenizer, file: file))
  }

  private func frameKeys(
    _ tokenizer: any Tokenizer, file: String
  ) throws(FormatError) -> [GGUFKeyValue] {
    let (frame, special) = (tokenizer.frame, tokenizer.special)
    if model == .wordPiece {
      guard frame.prefix == [special.cls].compactMap(\.self),
        frame.suffix == [special.sep].compactMap(\.self)
      else { throw Self.unsupported("other tokens around a text than [CLS] and [SEP]", file) }
      return []
    }
    let (bos, eos) = (special.bos.map { [$0] }, special.eos.map { [$0] })
    guard frame.prefix.isEmpty || frame.prefix == bos, frame.suffix.isEmpty || frame.suffix == eos
    else { throw Self.unsupported("other tokens around a text than its ends", file) }
    return [
      .bool("tokenizer.ggml.add_bos_token", !frame.prefix.isEmpty),
      .bool("tokenizer.ggml.add_eos_token", !frame.suffix.isEmpty),
    ]
  }
}
