// The tokenizer inside a GGUF file.

package import HHFormat

/// Builds a tokenizer from the `tokenizer.ggml.*` keys of a GGUF model.
struct TokenizerGGUF {
  /// What an entry is for; the numbers are the file's and SentencePiece's.
  private typealias Kind = SentencePieceModel.Kind

  private let file: any GGUFMetadataSource
  private let tokens: [String]
  private let kinds: [Kind]
  private let special: SpecialTokens

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
    kinds = try numbers.map { (number) throws(FormatError) in
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
      bos: try role("bos"), eos: try role("eos"), unknown: try role("unknown"),
      padding: try role("padding"), cls: try role("cls"),
      // The first spelling is that of every file; the format's authors misspelt it.
      sep: try role("seperator", "separator"), mask: try role("mask"))
    self.tokens = tokens
  }

  /// The tokenizer.
  func tokenizer() throws(FormatError) -> any Tokenizer {
    let model = try file.value(Self.key("model"))
    switch model?.string.flatMap(GGUFTokenizerKind.init) {
    case .byteLevelBPE: return try byteLevelBPE()
    case .sentencePiece: return try sentencePiece()
    case .wordPiece: return try wordPiece()
    case nil:
      throw Self.error(
        file, "model",
        "expected 'gpt2', 'llama' or 'bert', found "
          + (model?.text ?? "none"), kind: .unsupported)
    }
  }

  private static func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }

  private static func error(
    _ file: any GGUFMetadataSource, _ key: String, _ problem: String,
    kind: FormatError.Kind = .badData
  ) -> FormatError {
    FormatError(kind, file: file.path, place: "key '\(Self.key(key))'", problem: problem)
  }

  private func flag(_ name: String) throws(FormatError) -> Bool? {
    guard let value = try file.value(Self.key(name)) else { return nil }
    guard let flag = value.bool else {
      throw Self.error(file, name, "expected true or false, found \(value.text)")
    }
    return flag
  }

  private func frame(addsBOS: Bool) throws(FormatError) -> TokenFrame {
    var frame = TokenFrame()
    if try flag("add_bos_token") ?? addsBOS, let bos = special.bos { frame.prefix = [bos] }
    if try flag("add_eos_token") ?? false, let eos = special.eos { frame.suffix = [eos] }
    return frame
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

  /// Control tokens and those the user defined, which are found in text before anything else.
  private var added: [AddedToken] {
    tokens.indices.compactMap { id in
      switch kinds[id] {
      case .control: AddedToken(id: Int32(id), content: tokens[id])
      case .userDefined: AddedToken(id: Int32(id), content: tokens[id], isSpecial: false)
      default: nil
      }
    }
  }

  // MARK: Kinds

  private func byteLevelBPE() throws(FormatError) -> any Tokenizer {
    var options = ByteLevelBPE.Options()
    let name = try file.value(Self.key("pre"))?.string ?? "gpt-2"
    let isLlama3 = ["llama3", "llama-v3", "llama-bpe"].contains(name)
    if isLlama3 {
      // Files of Llama 3 often say neither, and mean both (llama.cpp, src/llama-vocab.cpp).
      options.preTokenization = PreTokenization(.llama3(maximumDigits: 3))
      options.ignoresMergesForWholePieces = true
    } else if name != "gpt-2" {
      throw Self.error(
        file, "pre", "expected 'gpt-2' or 'llama-bpe', found \(quoted(name))", kind: .unsupported)
    }
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
    do {
      return try ByteLevelBPE(
        vocabulary: vocabulary, merges: merges, options: options, added: added, special: special,
        frame: try frame(addsBOS: isLlama3))
    } catch let error as MergeError {
      throw error.formatError(file: file.path)
    } catch let error as FormatError {
      throw error
    } catch {
      throw FormatError(.badData, file: file.path, problem: "\(error)")
    }
  }

  private func sentencePiece() throws(FormatError) -> any Tokenizer {
    let scores = try file.floats(Self.key("scores")) ?? []
    guard scores.count == tokens.count, !scores.contains(where: \.isNaN) else {
      throw Self.error(
        file, "scores",
        "expected a number for each of \(tokens.count) tokens, found"
          + " \(scores.count), or one that is none")
    }
    let pieces = tokens.indices.map { id in
      SentencePieceModel.Piece(text: tokens[id], score: scores[id], kind: kinds[id])
    }
    let model = SentencePieceModel(
      pieces: pieces, special: special, addsDummyPrefix: try flag("add_space_prefix") ?? true,
      removesExtraSpaces: try flag("remove_extra_whitespaces") ?? false, file: file.path)
    return SentencePieceBPE(model, frame: try frame(addsBOS: true))
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
    let roles = special.structural + [unknown]
    return WordPiece(
      vocabulary: vocabulary, unknown: unknown, normalization: BertNormalization(),
      options: WordPiece.Options(),
      added: roles.map { AddedToken(id: $0, content: tokens[Int($0)]) }, special: special,
      frame: TokenFrame(
        prefix: special.cls.map { [$0] } ?? [], suffix: special.sep.map { [$0] } ?? []))
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

  /// The tokenizer of a checkpoint or artifact: that of its GGUF metadata where it has some, else
  /// the one among its files.
  package static func load(of checkpoint: Checkpoint) throws(FormatError) -> (any Tokenizer)? {
    try load(try ModelFiles(of: checkpoint))
  }
}
