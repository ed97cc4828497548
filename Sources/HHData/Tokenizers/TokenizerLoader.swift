// Finds and opens the tokenizer that lies beside a model.

package import HHFormat

/// Opens the tokenizer of a model's directory.
package enum TokenizerLoader {
  /// The tokenizer in `directory`: from tokenizer.json, else vocab.json and merges.txt (or
  /// encoder.json and vocab.bpe), else vocab.txt, else tokenizer.model. Nil where there is none of
  /// them; an error where the first one present is damaged or of a kind not handled.
  package static func load(beside directory: String) throws(FormatError) -> (any Tokenizer)? {
    try load(ModelFiles(in: directory))
  }

  /// The tokenizer of some files: that of GGUF metadata where there is one, else chosen as from a
  /// directory.
  package static func load(_ files: ModelFiles) throws(FormatError) -> (any Tokenizer)? {
    if let metadata = files.gguf, let own = try load(from: metadata) { return own }
    let settings = try TokenizerSettings(files)
    if files.holds("tokenizer.json") {
      return try TokenizerJSON(files, "tokenizer.json", settings: settings).tokenizer()
    }
    for (entries, merges) in [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")]
    where files.holds(entries) {
      return try byteLevelBPE(files, entries: entries, merges: merges, settings: settings)
    }
    if files.holds("vocab.txt") { return try wordPiece(files, "vocab.txt", settings: settings) }
    if files.holds("tokenizer.model") {
      return try SentencePieceLoader(files, "tokenizer.model", settings).tokenizer()
    }
    return nil
  }

  /// GPT-2's two files.
  private static func byteLevelBPE(
    _ files: ModelFiles, entries: String, merges: String, settings: TokenizerSettings
  ) throws(FormatError) -> any Tokenizer {
    let (file, mergeFile) = (files.path(entries), files.path(merges))
    if let name = settings.tokenizerClass, !name.hasPrefix("GPT2") {
      throw FormatError(
        .unsupported, file: file, place: "tokenizer class \(quoted(name))",
        problem: "only GPT-2 tokenizers are read from a vocabulary and a list of merges",
        hint: "save the tokenizer as tokenizer.json")
    }
    let vocabulary = try Vocabulary(.object(try files.object(entries)), file: file)
    var pairs: [(left: String, right: String)] = []
    for (index, line) in try files.text(merges).utf8Lines.enumerated() {
      if line.isEmpty || line.hasPrefix("#version") { continue }
      guard let pair = splitMerge(line) else {
        throw FormatError(
          .badData, file: mergeFile, place: "line \(index + 1)",
          problem: "expected two entries and one space between them, found \(quoted(line))")
      }
      pairs.append(pair)
    }
    let known = try KnownTokens(
      own: Self.usual(["<|endoftext|>"], vocabulary, settings), vocabulary, settings, file: file)
    let special = settings.special(known.id)
    var options = ByteLevelBPE.Options()
    options.addsPrefixSpace = settings.addsPrefixSpace ?? false
    var frame = TokenFrame()
    if settings.addsBOS ?? false, let bos = special.bos { frame.prefix = [bos] }
    if settings.addsEOS ?? false, let eos = special.eos { frame.suffix = [eos] }
    return try MergeError.reported(in: mergeFile) {
      try ByteLevelBPE(
        vocabulary: vocabulary, merges: pairs, options: options, added: known.added,
        special: special, frame: frame)
    }
  }

  /// Special tokens of a kind of tokenizer that are in the vocabulary, where the files beside it
  /// name none.
  private static func usual(
    _ texts: [String], _ vocabulary: Vocabulary, _ settings: TokenizerSettings
  ) -> [AddedToken] {
    guard settings.named.isEmpty else { return [] }
    return texts.compactMap { text in
      vocabulary.id(of: text).map { AddedToken(id: $0, content: text) }
    }
  }

  /// BERT's list of entries, one a line; the line number is the id. Of an entry that is listed more
  /// than once the last line counts, and an empty line is an entry that no text has, as in
  /// transformers.
  private static func wordPiece(
    _ files: ModelFiles, _ name: String, settings: TokenizerSettings
  ) throws(FormatError) -> any Tokenizer {
    let file = files.path(name)
    var vocabulary = Vocabulary()
    var lines = try files.text(name).utf8Lines
    if lines.last == "" { lines.removeLast() }
    for (index, line) in lines.enumerated() {
      guard vocabulary.insertLast(line, id: index) else {
        throw FormatError(
          .badData, file: file,
          problem: "expected at most \(Vocabulary.maximumID + 1) lines, found more")
      }
    }
    let roles = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
    let known = try KnownTokens(
      own: Self.usual(roles, vocabulary, settings), vocabulary, settings, file: file)
    let special = settings.special(known.id)
    guard let unknown = special.unknown, vocabulary.text(of: unknown) != nil else {
      throw FormatError(.badData, file: file, problem: "has no entry for unknown words, '[UNK]'")
    }
    return WordPiece(
      vocabulary: vocabulary, unknown: unknown, normalization: settings.bert(),
      options: WordPiece.Options(), added: known.added, special: special,
      frame: TokenFrame(
        prefix: special.cls.map { [$0] } ?? [], suffix: special.sep.map { [$0] } ?? []))
  }
}

/// The two entries of a merge written as one text.
func splitMerge(_ text: String) -> (left: String, right: String)? {
  let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
  guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
  return (String(Substring(parts[0])), String(Substring(parts[1])))
}

extension String {
  /// The lines, split at line feeds only and without a carriage return at the end: an entry may be
  /// any other Unicode line separator.
  package var utf8Lines: [String] {
    utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      String(Substring(line.last == 0x0D ? line.dropLast() : line))
    }
  }
}

extension MergeError {
  /// What `body` makes of a file, with an error about a merge as one about the file.
  static func reported<Result>(
    in file: String, _ body: () throws -> Result
  ) throws(FormatError) -> Result {
    do {
      return try body()
    } catch let error as MergeError {
      throw FormatError(
        .badData, file: file, place: "merge \(error.index + 1)",
        problem: "\(quoted(error.missing)) is not an entry of the vocabulary")
    } catch let error as FormatError {
      throw error
    } catch {
      throw FormatError(.badData, file: file, problem: "\(error)")
    }
  }
}

extension Vocabulary {
  /// The vocabulary of a JSON object from entry to id.
  init(_ json: JSONValue, file: String) throws(FormatError) {
    guard let members = json.object else {
      throw FormatError(
        .badData, file: file, place: "the vocabulary",
        problem: "expected an object from entry to id")
    }
    self.init()
    for (text, value) in members.pairs {
      guard let id = value.integer, (0...Self.maximumID).contains(id) else {
        throw FormatError(
          .badData, file: file, place: "entry \(quoted(text))",
          problem: "expected an id from 0 to \(Self.maximumID), found \(value.text)")
      }
      guard insert(text, id: id) else {
        throw FormatError(
          .badData, file: file, place: "entry \(quoted(text))",
          problem: "id \(id) also belongs to \(quoted(self.text(of: Int32(id)) ?? ""))")
      }
    }
  }
}
