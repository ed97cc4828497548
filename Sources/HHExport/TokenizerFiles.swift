// The tokenizer of a GGUF model as the files that transformers reads.

internal import HHCompute
internal import HHData
internal import HHFormat

/// `tokenizer.json` and `tokenizer_config.json` of a tokenizer that came without files of its own.
struct TokenizerFiles {
  private let tokenizer: any Tokenizer
  /// Entries as GGUF keeps them, which is as `tokenizer.json` does, but for WordPiece's.
  private let vocabulary: GGUFVocabulary
  /// Merges of entries, the most urgent first.
  private let merges: [String]

  /// Takes a tokenizer, with the metadata that it was read from where that is a GGUF file's; `file`
  /// is the model's name for messages.
  ///
  /// - Throws: `unsupported` for a tokenizer that no GGUF file can hold, or whose merges fill more
  ///   than any in use.
  init(
    _ tokenizer: any Tokenizer, of metadata: (any GGUFMetadataSource)? = nil, file: String
  ) throws(FormatError) {
    self.tokenizer = tokenizer
    if let metadata, tokenizer is ComponentTokenizer {
      vocabulary = try GGUFVocabulary(unigramOf: metadata)
    } else {
      vocabulary = try GGUFVocabulary(tokenizer, file: file)
    }
    if vocabulary.model == .sentencePiece {
      merges = try Self.scoredMerges(vocabulary, file: file)
    } else {
      merges = vocabulary.merges ?? []
    }
  }

  /// Both files, for a model of so many positions; `chatTemplate` is how conversations become texts.
  func files(maximumLength: Int, chatTemplate: JSONValue? = nil) -> [SidecarFile] {
    var configuration = configuration(maximumLength)
    configuration["chat_template"] = chatTemplate
    return [("tokenizer.json", json), ("tokenizer_config.json", configuration)].map {
      SidecarFile(name: $0, content: Array(JSONValue.object($1).text.utf8))
    }
  }

  private var json: JSONObject {
    [
      "version": .string("1.0"), "truncation": .null, "padding": .null,
      "added_tokens": .array(addedTokens), "normalizer": normalizer,
      "pre_tokenizer": preTokenizer, "post_processor": postProcessor, "decoder": decoder,
      "model": .object(model),
    ]
  }

  private func configuration(_ maximumLength: Int) -> JSONObject {
    let special = tokenizer.special
    var object: JSONObject = [
      // The class that takes tokenizer.json as it is, whatever the model.
      "tokenizer_class": .string("PreTrainedTokenizerFast"),
      "model_max_length": .integer(maximumLength),
      "clean_up_tokenization_spaces": .bool(false),
    ]
    for (role, id) in [
      ("bos", special.bos), ("eos", special.eos), ("unk", special.unknown),
      ("pad", special.padding), ("cls", special.cls), ("sep", special.sep),
      ("mask", special.mask),
    ] { object["\(role)_token"] = id.map { .string(text(of: $0)) } }
    return object
  }

  private func text(of id: Int32) -> String {
    (tokenizer as? WordPiece)?.vocabulary.text(of: id) ?? vocabulary.tokens[Int(id)].text
  }

  private var byteLevel: ByteLevelBPE? { tokenizer as? ByteLevelBPE }
  private var unigram: UnigramParts? {
    vocabulary.model == .unigram
      ? UnigramParts(
        vocabulary, count: tokenizer.vocabularySize, unknown: tokenizer.special.unknown) : nil
  }
  private var isSentencePiece: Bool { vocabulary.model == .sentencePiece }

  /// A step of the tokenizer; the members in turn.
  private func step(_ type: String, _ members: JSONObject = [:]) -> JSONValue {
    var object: JSONObject = ["type": .string(type)]
    for (key, value) in members.pairs { object[key] = value }
    return .object(object)
  }

  private func sequence(_ key: String, _ steps: [JSONValue]) -> JSONValue {
    steps.count == 1 ? steps[0] : step("Sequence", [key: .array(steps)])
  }

  // MARK: The parts of tokenizer.json

  private var addedTokens: [JSONValue] {
    vocabulary.tokens.enumerated().compactMap { id, token in
      let isSpecial = token.kind == .control || token.kind == .unknown
      guard isSpecial || token.kind == .userDefined else { return nil }
      return .object([
        "id": .integer(id), "content": .string(text(of: Int32(id))),
        // XLM-R's token for hidden words takes the space before it.
        "single_word": .bool(false),
        "lstrip": .bool(unigram != nil && tokenizer.special.mask == Int32(id)),
        "rstrip": .bool(false),
        "normalized": .bool(false), "special": .bool(isSpecial),
      ])
    }
  }

  private var normalizer: JSONValue {
    switch vocabulary.model {
    case .wordPiece:
      let clean = (tokenizer as? WordPiece)?.normalization ?? BertNormalization()
      return step(
        "BertNormalizer",
        [
          "clean_text": .bool(true), "handle_chinese_chars": .bool(true),
          "strip_accents": clean.stripsAccents == clean.lowercases
            ? .null : .bool(clean.stripsAccents),
          "lowercase": .bool(clean.lowercases),
        ])
    case .unigram: return unigram?.normalizer ?? .null
    case .sentencePiece:
      let mark: JSONValue = .string("\u{2581}")
      var steps: [JSONValue] = []
      if vocabulary.spaces?.removesExtra == true {
        steps = [
          step("Strip", ["strip_left": .bool(true), "strip_right": .bool(true)]),
          replacement(["Regex": .string(" {2,}")], by: .string(" ")),
        ]
      }
      if vocabulary.spaces?.addsPrefix == true { steps.append(step("Prepend", ["prepend": mark])) }
      return sequence("normalizers", steps + [replacement(["String": .string(" ")], by: mark)])
    case .byteLevelBPE: return .null
    }
  }

  private func replacement(_ pattern: JSONObject, by content: JSONValue) -> JSONValue {
    step("Replace", ["pattern": .object(pattern), "content": content])
  }

  private var preTokenizer: JSONValue {
    switch vocabulary.model {
    case .wordPiece: return step("BertPreTokenizer")
    case .unigram: return unigram?.preTokenizer ?? .null
    case .sentencePiece: return .null
    case .byteLevelBPE: return byteLevelPreTokenizer
    }
  }

  /// The patterns in turn, each in the form that transformers has for it, then the bytes.
  private var byteLevelPreTokenizer: JSONValue {
    var patterns = byteLevel?.preTokenization.patterns.map(\.text) ?? []
    let endsWithGPT2 = patterns.last == SplitPatterns.gpt2
    if endsWithGPT2 { patterns.removeLast() }
    let splits = patterns.map { text in
      if text == SplitPatterns.digit { return step("Digits", ["individual_digits": .bool(true)]) }
      return step(
        "Split",
        [
          "pattern": .object(["Regex": .string(text)]), "behavior": .string("Isolated"),
          "invert": .bool(false),
        ])
    }
    let bytes = step(
      "ByteLevel",
      [
        "add_prefix_space": .bool(false), "trim_offsets": .bool(true),
        "use_regex": .bool(endsWithGPT2),
      ])
    return sequence("pretokenizers", splits + [bytes])
  }

  /// The model's frame around one text, and around each of two.
  private var postProcessor: JSONValue {
    let frame = tokenizer.frame
    guard !frame.prefix.isEmpty || !frame.suffix.isEmpty else { return .null }
    func tokens(_ ids: [Int32], _ type: Int) -> [JSONValue] {
      ids.map {
        .object(["SpecialToken": .object(["id": .string(text(of: $0)), "type_id": .integer(type)])])
      }
    }
    func part(_ name: String, _ type: Int) -> [JSONValue] {
      [.object(["Sequence": .object(["id": .string(name), "type_id": .integer(type)])])]
    }
    let single = tokens(frame.prefix, 0) + part("A", 0) + tokens(frame.suffix, 0)
    // BERT's second text has no [CLS]; XLM-R's has a second end of the first, and no type of its own.
    let type = vocabulary.model == .unigram ? 0 : 1
    let second =
      switch vocabulary.model {
      case .wordPiece: [JSONValue]()
      case .unigram: frame.prefix.isEmpty ? [] : tokens(frame.suffix, 0)
      case .byteLevelBPE, .sentencePiece: tokens(frame.prefix, 1)
      }
    var special: JSONObject = [:]
    for id in frame.prefix + frame.suffix {
      let name = text(of: id)
      special[name] = .object([
        "id": .string(name), "ids": .array([.integer(Int(id))]),
        "tokens": .array([.string(name)]),
      ])
    }
    return step(
      "TemplateProcessing",
      [
        "single": .array(single),
        "pair": .array(single + second + part("B", type) + tokens(frame.suffix, type)),
        "special_tokens": .object(special),
      ])
  }

  private var decoder: JSONValue {
    switch vocabulary.model {
    case .wordPiece: return step("WordPiece", ["prefix": .string("##"), "cleanup": .bool(true)])
    case .unigram: return unigram?.decoder ?? .null
    case .sentencePiece:
      var steps = [
        replacement(["String": .string("\u{2581}")], by: .string(" ")), step("ByteFallback"),
        step("Fuse"),
      ]
      if vocabulary.spaces?.addsPrefix == true {
        steps.append(
          step("Strip", ["content": .string(" "), "start": .integer(1), "stop": .integer(0)]))
      }
      return sequence("decoders", steps)
    case .byteLevelBPE:
      return step(
        "ByteLevel",
        ["add_prefix_space": .bool(true), "trim_offsets": .bool(true), "use_regex": .bool(true)])
    }
  }

  private var model: JSONObject {
    if let unigram { return unigram.model }
    var entries: JSONObject = [:]
    for id in vocabulary.tokens.indices { entries[text(of: Int32(id))] = .integer(id) }
    let unknown: JSONValue = tokenizer.special.unknown.map { .string(text(of: $0)) } ?? .null
    if vocabulary.model == .wordPiece {
      return [
        "type": .string("WordPiece"), "unk_token": unknown,
        "continuing_subword_prefix": .string("##"), "max_input_chars_per_word": .integer(100),
        "vocab": .object(entries),
      ]
    }
    let bytes = vocabulary.tokens.count { $0.kind == .byte }
    return [
      "type": .string("BPE"), "dropout": .null,
      "unk_token": isSentencePiece ? unknown : .null, "continuing_subword_prefix": .null,
      "end_of_word_suffix": .null, "fuse_unk": .bool(isSentencePiece),
      "byte_fallback": .bool(isSentencePiece && bytes == 256),
      "ignore_merges": .bool(byteLevel?.ignoresMerges ?? false),
      "vocab": .object(entries), "merges": .array(merges.map { .string($0) }),
    ]
  }

  /// The most bytes of merges that are written. Vocabularies in use have some millions at most; one
  /// of `a`, `aa`, `aaa` and so on has a third of the cube of the longest entry's.
  private static let maximumMergeBytes = 1 << 28

  /// SentencePiece merges any two pieces whose concatenation is one, that of the highest score
  /// first; a list of merges has all such pairs in that order.
  private static func scoredMerges(
    _ vocabulary: GGUFVocabulary, file: String
  ) throws(FormatError) -> [String] {
    var pieces: [(text: String, score: Float)] = []
    for (token, score) in zip(vocabulary.tokens, vocabulary.scores ?? []) {
      // Spaces became marks before: no text holds a piece with one.
      guard token.kind == .normal, !token.text.utf8.contains(0x20) else { continue }
      pieces.append((token.text, score))
    }
    let splits = PieceSplits(pieces.map { Array($0.text.utf8) })
    var merges: [(score: Float, left: Int, right: Int)] = []
    var size = 0
    for (index, piece) in pieces.enumerated() {
      let pairs = splits.pairs(of: index)
      size += pairs.count * (piece.text.utf8.count + 1)
      guard size <= maximumMergeBytes else {
        throw FormatError(
          .unsupported, file: file, place: "tokenizer",
          problem: "expected merges of at most \(Format.bytes(maximumMergeBytes)), found more")
      }
      for (left, right) in pairs { merges.append((piece.score, left, right)) }
    }
    // Sorting by place too keeps pairs of equal scores in the vocabulary's order.
    return merges.enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }.map { "\(pieces[$0.element.left].text) \(pieces[$0.element.right].text)" }
  }
}
