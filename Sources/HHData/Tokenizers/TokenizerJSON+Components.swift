// The components of tokenizer.json as steps, for tokenizers that are of none of the usual forms.

internal import HHFormat

extension TokenizerJSON {
  /// A tokenizer of any model, put together from its components.
  ///
  /// - Throws: `unsupported` with the first component that is not known, before any text is read.
  func components(_ model: JSONValue, _ type: String) throws(FormatError) -> any Tokenizer {
    var parts: ComponentTokenizer.Parts
    let vocabulary: Vocabulary
    switch type {
    case "BPE":
      vocabulary = try self.vocabulary(of: model)
      parts = .init(model: try characterBPE(model, vocabulary))
    case "WordPiece":
      vocabulary = try self.vocabulary(of: model)
      parts = .init(model: try wordPieceModel(model, vocabulary))
    case "WordLevel":
      vocabulary = try self.vocabulary(of: model)
      parts = .init(
        model: WordLevel(
          words: vocabulary.idsByBytes, unknown: try unknown(of: model, vocabulary)))
    case "Unigram": (vocabulary, parts) = try unigram(model)
    default: throw unsupported("model", type)
    }
    for step in steps("normalizer") { parts.normalizers.append(try normalizer(step)) }
    for step in steps("pre_tokenizer") { parts.preTokenizers.append(try preTokenizer(step)) }
    if root["decoder"]?.object != nil {
      parts.decoders = []
      for step in steps("decoder") { parts.decoders?.append(try decoder(step)) }
    }
    var tokens = try tokens(model, vocabulary)
    if let id = model["unk_id"]?.integer { tokens.special.unknown = Int32(id) }
    return ComponentTokenizer(
      vocabulary: vocabulary, parts: parts, added: tokens.added, special: tokens.special,
      frame: tokens.frame)
  }

  // MARK: Models

  /// The id of the model's token for unknown words, which it must have.
  private func unknown(
    of model: JSONValue, _ vocabulary: Vocabulary
  ) throws(FormatError) -> Int32 {
    guard let id = try tokens(model, vocabulary).special.unknown else {
      throw FormatError(
        .badData, file: file, place: "key 'unk_token'", problem: "is not in the vocabulary")
    }
    return id
  }

  private func characterBPE(
    _ model: JSONValue, _ vocabulary: Vocabulary
  ) throws(FormatError) -> CharacterBPE {
    var options = CharacterBPE.Options()
    options.unknown = try tokens(model, vocabulary).special.unknown
    options.joinsUnknown = model["fuse_unk"]?.bool ?? false
    options.continuationPrefix = Array((model["continuing_subword_prefix"]?.string ?? "").utf8)
    options.wordSuffix = Array((model["end_of_word_suffix"]?.string ?? "").utf8)
    options.ignoresMerges = model["ignore_merges"]?.bool ?? false
    if let dropout = model["dropout"]?.double, dropout != 0 {
      throw unsupported("model.dropout", "\(dropout)")
    }
    return try MergeError.reported(in: file) {
      CharacterBPE(
        entries: vocabulary.idsByBytes,
        merges: try vocabulary.mergeTable(
          merges(of: model), droppingFromRight: options.continuationPrefix.count),
        bytes: fallback(model, vocabulary), options: options)
    }
  }

  private func fallback(_ model: JSONValue, _ vocabulary: Vocabulary) -> ByteFallback {
    var bytes: [UInt8: Int32] = [:]
    if model["byte_fallback"]?.bool == true {
      for (id, text) in vocabulary.entries {
        if let byte = SentencePieceBPE.byte(of: text) { bytes[byte] = id }
      }
    }
    return ByteFallback(bytes)
  }

  private func wordPieceModel(
    _ model: JSONValue, _ vocabulary: Vocabulary
  ) throws(FormatError) -> WordPieceModel {
    WordPieceModel(
      vocabulary, unknown: try unknown(of: model, vocabulary), options: wordPieceOptions(model))
  }

  /// A unigram model, whose vocabulary is a list of texts and scores.
  private func unigram(
    _ model: JSONValue
  ) throws(FormatError) -> (Vocabulary, ComponentTokenizer.Parts) {
    var vocabulary = Vocabulary()
    var scores: [Double] = []
    let list = model["vocab"]?.array ?? []
    guard !list.isEmpty, list.count <= Vocabulary.maximumID else {
      throw FormatError(
        .badData, file: file, place: "the vocabulary",
        problem: "expected 1 to \(Vocabulary.maximumID) entries with scores, found \(list.count)")
    }
    for (id, entry) in list.enumerated() {
      guard let pair = entry.array, pair.count == 2, let text = pair[0].string,
        let score = pair[1].double, score.isFinite
      else {
        throw FormatError(
          .badData, file: file, place: "entry \(id)",
          problem: "expected a text and its score, found \(entry.text.prefix(60))")
      }
      guard vocabulary.insert(text, id: id) else {
        throw FormatError(
          .badData, file: file, place: "entry \(id)", problem: "\(quoted(text)) occurs twice")
      }
      scores.append(score)
    }
    guard let unknown = model["unk_id"]?.integer, list.indices.contains(unknown) else {
      throw FormatError(
        .badData, file: file, place: "key 'unk_id'",
        problem: "expected an id below \(list.count), found "
          + (model["unk_id"]?.text ?? "none"))
    }
    let entries = vocabulary.entries.map { (text: Array($0.text.utf8), id: $0.id) }
    return (
      vocabulary,
      .init(
        model: Unigram(
          entries, scores: scores, unknown: Int32(unknown), bytes: fallback(model, vocabulary)))
    )
  }

  // MARK: Steps

  private func normalizer(_ step: JSONValue) throws(FormatError) -> NormalizerStep {
    switch type(of: step) {
    case "BertNormalizer": return .bert(bertNormalization(step))
    case "Lowercase": return .lowercase
    case "StripAccents": return .stripAccents
    case "Strip":
      return .strip(
        left: step["strip_left"]?.bool ?? true, right: step["strip_right"]?.bool ?? true)
    case "Replace":
      return .replace(
        try pattern(of: step, "normalizer.Replace"), with: Array(try text(of: step, "content").utf8)
      )
    case "Prepend": return .prepend(Array(try text(of: step, "prepend").utf8))
    case "Nmt": return .controls
    case "ByteLevel": return .bytes
    case "Precompiled": return .characters(try characterMap(step))
    case let other:
      guard let form = NormalizationForm(rawValue: other) else {
        throw unsupported("normalizer", other)
      }
      return .form(form)
    }
  }

  private func characterMap(_ step: JSONValue) throws(FormatError) -> CharacterMap {
    guard let bytes = step["precompiled_charsmap"]?.string.flatMap(base64Bytes),
      let map = CharacterMap(bytes, .character)
    else {
      throw FormatError(
        .badData, file: file, place: "normalizer.Precompiled",
        problem: "expected a map of characters in base64, found none")
    }
    return map
  }

  private func preTokenizer(_ step: JSONValue) throws(FormatError) -> PreTokenizerStep {
    switch type(of: step) {
    case "BertPreTokenizer": return .bert
    case "ByteLevel":
      return .byteLevel(
        addsPrefixSpace: settings.addsPrefixSpace(step["add_prefix_space"]?.bool ?? true),
        pattern: step["use_regex"]?.bool ?? true ? SplitPattern(known: SplitPatterns.gpt2) : nil)
    case "Metaspace":
      return .metaspace(
        mark: Array(try text(of: step, "replacement").utf8), prefix: try prefix(of: step),
        yieldsToMark: true, splits: step["split"]?.bool ?? true)
    case "Whitespace": return .words
    case "WhitespaceSplit": return .whiteSpace
    case "Digits":
      return .split(
        .digit, step["individual_digits"]?.bool == true ? .isolated : .contiguous)
    case "Punctuation":
      return .split(.punctuation, try behavior(of: step, "Punctuation", usual: "Isolated"))
    case "CharDelimiterSplit":
      return .split(
        .pattern(.text(Array(try text(of: step, "delimiter").utf8)), isInverted: false), .removed)
    case "Split":
      return .split(
        .pattern(
          try pattern(of: step, "pre_tokenizer.Split"), isInverted: step["invert"]?.bool ?? false),
        try behavior(of: step, "Split", usual: nil))
    case let other: throw unsupported("pre_tokenizer", other)
    }
  }

  private func behavior(
    of step: JSONValue, _ name: String, usual: String?
  ) throws(FormatError) -> SplitBehavior {
    let word = step["behavior"]?.string ?? usual ?? "missing"
    guard let behavior = SplitBehavior(rawValue: word) else {
      throw unsupported("pre_tokenizer.\(name).behavior", word)
    }
    return behavior
  }

  private func decoder(_ step: JSONValue) throws(FormatError) -> DecoderStep {
    switch type(of: step) {
    case "ByteLevel": return .byteLevel
    case "WordPiece":
      return .wordPiece(
        prefix: Array((step["prefix"]?.string ?? "##").utf8),
        cleansUp: step["cleanup"]?.bool ?? true)
    case "Metaspace":
      let scheme = try prefix(of: step)
      return .metaspace(
        mark: Array(try text(of: step, "replacement").utf8), dropsFirst: scheme != .never)
    case "BPEDecoder": return .suffix(Array((step["suffix"]?.string ?? "</w>").utf8))
    case "Replace":
      return .replace(
        try pattern(of: step, "decoder.Replace"), with: Array(try text(of: step, "content").utf8))
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Strip":
      return .strip(
        Array(try text(of: step, "content").utf8), start: step["start"]?.integer ?? 0,
        stop: step["stop"]?.integer ?? 0)
    case let other: throw unsupported("decoder", other)
    }
  }

  /// A step's text under a key.
  private func text(of step: JSONValue, _ key: String) throws(FormatError) -> String {
    guard let text = step[key]?.string else {
      throw FormatError(
        .badData, file: file, place: "\(type(of: step)).\(key)",
        problem: "expected text, found \(step[key]?.text ?? "none")")
    }
    return text
  }

  /// What a step looks for. A stranger's expression could take time without bounds, so only those
  /// are taken that are known.
  private func pattern(of step: JSONValue, _ place: String) throws(FormatError) -> TextPattern {
    if let text = step["pattern"]?["String"]?.string, !text.isEmpty {
      return .text(Array(text.utf8))
    }
    let text = step["pattern"]?["Regex"]?.string ?? "an empty string"
    guard let pattern = SplitPattern(known: text) else {
      throw unsupported("\(place).pattern", text)
    }
    return .expression(pattern)
  }
}
