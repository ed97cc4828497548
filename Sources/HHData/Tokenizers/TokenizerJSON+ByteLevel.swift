// The byte-level BPE and WordPiece forms of tokenizer.json.

internal import HHFormat

extension TokenizerJSON {
  func byteLevelBPE(
    _ model: JSONValue, _ steps: [JSONValue]
  ) throws(FormatError) -> any Tokenizer {
    var options = try byteLevelOptions(steps)
    options.ignoresMerges = model["ignore_merges"]?.bool ?? false
    options.addsPrefixSpace = settings.addsPrefixSpace(options.addsPrefixSpace)
    try refuseCharacterOptions(of: model)
    for step in self.steps("normalizer") {
      guard type(of: step) == "NFC" else { throw unsupported("normalizer", type(of: step)) }
      options.composes = true
    }
    let vocabulary = try vocabulary(of: model)
    let tokens = try tokens(model, vocabulary)
    return try MergeError.reported(in: file) {
      try ByteLevelBPE(
        vocabulary: vocabulary, merges: merges(of: model), options: options, added: tokens.added,
        special: tokens.special, frame: tokens.frame)
    }
  }

  /// Refuses what only BPE over characters can do.
  func refuseCharacterOptions(of model: JSONValue) throws(FormatError) {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = model[key]?.string, !text.isEmpty { throw unsupported("model.\(key)", text) }
    }
    if let dropout = model["dropout"]?.double, dropout != 0 {
      throw unsupported("model.dropout", "\(dropout)")
    }
  }

  private func byteLevelOptions(_ steps: [JSONValue]) throws(FormatError) -> ByteLevelBPE.Options {
    var options = ByteLevelBPE.Options()
    var patterns: [String] = []
    for step in steps {
      switch type(of: step) {
      case "Digits" where step["individual_digits"]?.bool == true:
        patterns.append(SplitPatterns.digit)
      case "Split":
        let text = step["pattern"]?["Regex"]?.string ?? "a plain string"
        guard SplitPattern(known: text) != nil else {
          throw unsupported("pre_tokenizer.Split.pattern", text)
        }
        let isInverted = step["invert"]?.bool ?? false
        switch (step["behavior"]?.string ?? "missing", isInverted) {
        case ("Isolated", _): patterns.append(text)
        case ("Removed", true) where SplitPatterns.complete.contains(text): patterns.append(text)
        case (let behavior, _): throw unsupported("pre_tokenizer.Split.behavior", behavior)
        }
      case "ByteLevel":
        options.addsPrefixSpace = step["add_prefix_space"]?.bool ?? true
        if step["use_regex"]?.bool ?? true { patterns.append(SplitPatterns.gpt2) }
      case let other: throw unsupported("pre_tokenizer", other)
      }
    }
    guard steps.last.map(type(of:)) == "ByteLevel" else {
      throw unsupported("pre_tokenizer", "a step after ByteLevel")
    }
    guard steps.count == 1 || !options.addsPrefixSpace else {
      throw unsupported("pre_tokenizer", "ByteLevel.add_prefix_space after another step")
    }
    options.preTokenization = PreTokenization(patterns) ?? PreTokenization()
    return options
  }

  func wordPiece(_ model: JSONValue) throws(FormatError) -> any Tokenizer {
    for step in steps("pre_tokenizer") where type(of: step) != "BertPreTokenizer" {
      throw unsupported("pre_tokenizer", type(of: step))
    }
    let normalizers = steps("normalizer")
    guard normalizers.count == 1, type(of: normalizers[0]) == "BertNormalizer" else {
      throw unsupported("normalizer", normalizers.map(type(of:)).joined(separator: ", "))
    }
    let vocabulary = try vocabulary(of: model)
    let tokens = try tokens(model, vocabulary)
    guard let unknown = tokens.special.unknown else {
      throw FormatError(
        .badData, file: file, place: "key 'unk_token'", problem: "is not in the vocabulary")
    }
    return WordPiece(
      vocabulary: vocabulary, unknown: unknown, normalization: bertNormalization(normalizers[0]),
      options: wordPieceOptions(model), added: tokens.added, special: tokens.special,
      frame: tokens.frame)
  }

  func wordPieceOptions(_ model: JSONValue) -> WordPiece.Options {
    var options = WordPiece.Options()
    options.continuationPrefix = model["continuing_subword_prefix"]?.string ?? "##"
    options.maximumWordLength = model["max_input_chars_per_word"]?.integer ?? 100
    return options
  }

  /// A `BertNormalizer`, as far as the settings leave it.
  func bertNormalization(_ step: JSONValue) -> BertNormalization {
    var normalization = BertNormalization()
    normalization.cleansText = step["clean_text"]?.bool ?? true
    normalization.spacesIdeographs = step["handle_chinese_chars"]?.bool ?? true
    normalization.lowercases = step["lowercase"]?.bool ?? true
    normalization.stripsAccents = step["strip_accents"]?.bool ?? normalization.lowercases
    return settings.bert(normalization)
  }
}
