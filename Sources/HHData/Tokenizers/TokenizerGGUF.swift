// The tokenizer inside a GGUF file.

package import HHFormat

/// Builds a tokenizer from the `tokenizer.ggml.*` keys of a GGUF model.
struct TokenizerGGUF {
  /// What an entry is for; the numbers are the file's and SentencePiece's.
  typealias Kind = SentencePieceModel.Kind

  let file: any GGUFMetadataSource
  let tokens: [String]
  let kinds: [Kind]
  let special: SpecialTokens

  /// Reads the keys that all kinds of tokenizer share.
  init(_ file: any GGUFMetadataSource) throws(FormatError) {
    self.file = file
    let tokens = try file.strings(Self.key("tokens")) ?? []
    guard !tokens.isEmpty, tokens.count <= Vocabulary.maximumID else {
      throw Self.error(
        file, "tokens", "expected 1 to \(Vocabulary.maximumID) tokens, found \(tokens.count)")
    }
    let numbers = try file.integers(Self.key("token_type")) ?? tokens.map { _ in 1 }
    guard numbers.count == tokens.count else {
      throw Self.error(
        file, "token_type",
        "expected one for each of \(tokens.count) tokens, found"
          + " \(numbers.count)")
    }
    let kinds = try numbers.map { (number) throws(FormatError) in
      guard let kind = UInt64(exactly: number).flatMap(Kind.init) else {
        throw Self.error(file, "token_type", "expected numbers from 1 to 6, found \(number)")
      }
      return kind
    }
    func role(_ names: String...) throws(FormatError) -> Int32? {
      for name in names {
        guard let value = try file.value(Self.key("\(name)_token_id")) else { continue }
        guard let id = value.integer, tokens.indices.contains(id) else {
          throw Self.error(
            file, "\(name)_token_id", "expected an id below \(tokens.count), found \(value.text)")
        }
        return Int32(id)
      }
      return nil
    }
    special = SpecialTokens(
      bos: try role("bos"), eos: try role("eos"),
      otherEnds: [try role("eot"), try role("eom")].compactMap(\.self)
        + EndTokens.ids(in: tokens), unknown: try role("unknown"),
      padding: try role("padding"), cls: try role("cls"),
      // The first spelling is that of every file; the format's authors misspelt it.
      sep: try role("seperator", "separator"), mask: try role("mask"))
    self.tokens = tokens
    self.kinds = kinds
  }

  /// The tokenizer.
  func tokenizer() throws(FormatError) -> any Tokenizer {
    let model = try file.value(Self.key("model"))
    switch model?.string.flatMap(GGUFTokenizerKind.init) {
    case .byteLevelBPE: return try byteLevelBPE()
    case .sentencePiece: return try sentencePiece()
    case .wordPiece: return try wordPiece()
    case .unigram: return try TokenizerGGUFUnigram(self).tokenizer()
    case nil:
      throw Self.error(
        file, "model",
        "expected \(GGUFTokenizerKind.words(GGUFTokenizerKind.allCases)), found "
          + (model?.text ?? "none"), kind: .unsupported)
    }
  }

  static func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }

  static func error(
    _ file: any GGUFMetadataSource, _ key: String, _ problem: String,
    kind: FormatError.Kind = .badData, remedy: SettingText? = nil
  ) -> FormatError {
    FormatError(
      kind, file: file.path, place: "key '\(Self.key(key))'", problem: problem, remedy: remedy)
  }

  func flag(_ name: String) throws(FormatError) -> Bool? {
    guard let value = try file.value(Self.key(name)) else { return nil }
    guard let flag = value.bool else {
      throw Self.error(file, name, "expected true or false, found \(value.text)")
    }
    return flag
  }

  func frame(addsBOS: Bool, addsEOS: Bool = false) throws(FormatError) -> TokenFrame {
    var frame = TokenFrame()
    if let bos = try added("bos", special.bos, unlessSaid: addsBOS) { frame.prefix = [bos] }
    if let eos = try added("eos", special.eos, unlessSaid: addsEOS) { frame.suffix = [eos] }
    return frame
  }

  /// A token that goes around a text, where the file or else its kind says so.
  private func added(
    _ role: String, _ id: Int32?, unlessSaid usual: Bool
  ) throws(FormatError) -> Int32? {
    let said = try flag("add_\(role)_token")
    guard said != true || id != nil else {
      throw Self.error(
        file, "add_\(role)_token",
        "expected '\(Self.key("\(role)_token_id"))' with it, found none")
    }
    return said ?? usual ? id : nil
  }

  private func vocabulary(_ text: (Int) -> String) throws(FormatError) -> Vocabulary {
    var vocabulary = Vocabulary()
    for id in tokens.indices {
      guard vocabulary.insert(text(id), id: id) else {
        throw Self.error(file, "tokens", "expected each once, found \(quoted(tokens[id])) twice")
      }
    }
    return vocabulary
  }

  /// Control tokens and those the user defined, which are found in text before anything else:
  /// special are those that are no text of their own.
  var added: [AddedToken] {
    tokens.indices.compactMap { id in
      let text = tokens[id]
      let isSpecial =
        kinds[id] == .control || kinds[id] == .unknown || EndTokens.contains(text)
      guard isSpecial || kinds[id] == .userDefined, !text.isEmpty else { return nil }
      return AddedToken(id: Int32(id), content: text, isSpecial: isSpecial)
    }
  }

  // MARK: Kinds

  private func byteLevelBPE() throws(FormatError) -> any Tokenizer {
    let name = try file.value(Self.key("pre"))?.string
    guard let pre = GGUFPreTokenizer.named(name),
      let preTokenization = PreTokenization(pre.patterns)
    else {
      throw Self.error(
        file, "pre", "expected a pre-tokenizer that is known here, found \(quoted(name ?? ""))",
        kind: .unsupported,
        remedy: "take the model's tokenizer.json with \(.tokenizer, "FILE|FOLDER")")
    }
    var options = ByteLevelBPE.Options()
    options.preTokenization = preTokenization
    options.ignoresMerges = pre.ignoresMerges
    let merges = try (try file.strings(Self.key("merges")) ?? []).enumerated().map {
      (index, text) throws(FormatError) in
      guard let pair = splitMerge(text) else {
        throw Self.error(
          file, "merges",
          "expected two entries and one space between them, found"
            + " \(quoted(text)) at element \(index)")
      }
      return pair
    }
    let vocabulary = try vocabulary { tokens[$0] }
    return try MergeError.reported(in: file.path) {
      try ByteLevelBPE(
        vocabulary: vocabulary, merges: merges, options: options, added: added, special: special,
        frame: try frame(addsBOS: pre.addsBOS))
    }
  }

  private func sentencePiece() throws(FormatError) -> any Tokenizer {
    let model = SentencePieceModel(
      pieces: try pieces(), special: special, addsDummyPrefix: try flag("add_space_prefix") ?? true,
      removesExtraSpaces: try flag("remove_extra_whitespaces") ?? false, file: file.path)
    return SentencePieceBPE(model, added: added, frame: try frame(addsBOS: true))
  }

  /// The entries of a SentencePiece model.
  func pieces() throws(FormatError) -> [SentencePieceModel.Piece] {
    let scores = try file.floats(Self.key("scores")) ?? []
    guard scores.count == tokens.count, !scores.contains(where: \.isNaN) else {
      throw Self.error(
        file, "scores",
        "expected a number for each of \(tokens.count) tokens, found"
          + " \(scores.count), or one that is none")
    }
    return tokens.indices.map { id in
      SentencePieceModel.Piece(text: tokens[id], score: scores[id], kind: kinds[id])
    }
  }

  /// BERT's entries as its own files spell them: a converter takes `##` from the front of pieces
  /// that continue a word and puts U+2581 before those that begin one.
  private func wordPiece() throws(FormatError) -> any Tokenizer {
    let vocabulary = try vocabulary { id in
      let text = tokens[id]
      if text.unicodeScalars.first == "\u{2581}" {
        return String(text.unicodeScalars.dropFirst())
      }
      let isBracketed = text.utf8.first == 0x5B && text.utf8.last == 0x5D && text.utf8.count > 1
      return isBracketed || kinds[id] != .normal ? text : "##\(text)"
    }
    guard let unknown = special.unknown else {
      throw Self.error(file, "unknown_token_id", "expected the id for unknown words, found none")
    }
    var special = special
    special.cls = try encoderRole(
      special.cls, else: special.bos, text: "[CLS]", key: "bos_token_id")
    special.sep = try encoderRole(
      special.sep, else: special.eos, text: "[SEP]", key: "seperator_token_id")
    // Today's converters call BERT's tokens so; they begin and end no text that is written.
    (special.bos, special.eos, special.otherEnds) = (nil, nil, [])
    let roles = (special.structural + [unknown]).map {
      AddedToken(id: $0, content: tokens[Int($0)])
    }
    let others = added.map { token in
      var token = token
      token.content = vocabulary.text(of: token.id) ?? token.content
      return token
    }
    var normalization = BertNormalization()
    normalization.lowercases = try flag("normalizer.lowercase") ?? true
    normalization.stripsAccents =
      try flag("normalizer.strip_accents") ?? normalization.lowercases
    return WordPiece(
      vocabulary: vocabulary, unknown: unknown, normalization: normalization,
      options: WordPiece.Options(), added: others + roles, special: special,
      frame: TokenFrame(
        prefix: special.cls.map { [$0] } ?? [], suffix: special.sep.map { [$0] } ?? []))
  }

  /// A token around an encoder's text: by its own key, by the one that today's converters write, or
  /// by its usual text.
  private func encoderRole(
    _ id: Int32?, else other: Int32?, text: String, key: String
  ) throws(FormatError) -> Int32 {
    let usual = tokens.firstIndex { $0 == text }.map(Int32.init)
    if let id = id ?? other ?? usual { return id }
    throw Self.error(file, key, "expected the id of \(text), found none")
  }
}

extension TokenizerLoader {
  /// The tokenizer of a GGUF model, or nil where it has none.
  package static func load(
    from file: any GGUFMetadataSource
  ) throws(FormatError) -> (any Tokenizer)? {
    guard try file.value("tokenizer.ggml.tokens") != nil else { return nil }
    return try TokenizerGGUF(file).tokenizer()
  }
}
