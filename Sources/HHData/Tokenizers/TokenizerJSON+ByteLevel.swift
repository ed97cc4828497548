// The byte-level BPE and WordPiece forms of tokenizer.json.

internal import HHFormat

extension TokenizerJSON {
  /// The patterns of `Split` steps that we have a scanner for.
  private static let patterns: [(text: String, pattern: PreTokenization.Pattern)] = [
    (#"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, .gpt2),
    (#"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, .gpt2),
    (llama3Pattern(), .llama3(maximumDigits: 3)),
    (llama3Pattern(digits: #"\p{N}"#), .llama3(maximumDigits: 1)),
  ]

  /// Llama-3's pattern; `digits` is what it takes numbers for.
  package static func llama3Pattern(digits: String = #"\p{N}{1,3}"#) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  func byteLevelBPE(
    _ model: JSONValue, _ steps: [JSONValue]
  ) throws(FormatError) -> any Tokenizer {
    var options = try byteLevelOptions(steps)
    options.ignoresMergesForWholePieces = model["ignore_merges"]?.bool ?? false
    for step in self.steps("normalizer") {
      guard type(of: step) == "NFC" else { throw unsupported("normalizer", type(of: step)) }
      options.composes = true
    }
    let vocabulary = try vocabulary(of: model)
    do {
      return try ByteLevelBPE(
        vocabulary: vocabulary, merges: merges(of: model), options: options, added: added,
        special: special(model, vocabulary), frame: frame(vocabulary))
    } catch let error as MergeError {
      throw error.formatError(file: file)
    } catch let error as FormatError {
      throw error
    } catch {
      throw FormatError(.badData, file: file, problem: "\(error)")
    }
  }

  private func byteLevelOptions(_ steps: [JSONValue]) throws(FormatError) -> ByteLevelBPE.Options {
    var options = ByteLevelBPE.Options()
    var pattern: PreTokenization.Pattern?
    var splitsDigits = false
    for step in steps {
      switch type(of: step) {
      case "Digits" where step["individual_digits"]?.bool == true && pattern == nil:
        splitsDigits = true
      case "Split" where pattern == nil && !splitsDigits:
        let text = step["pattern"]?["Regex"]?.string ?? "a plain string"
        guard let known = Self.patterns.first(where: { $0.text == text })?.pattern else {
          throw unsupported("pre_tokenizer.Split.pattern", text)
        }
        let isInverted = step["invert"]?.bool ?? false
        switch (step["behavior"]?.string ?? "missing", isInverted) {
        case ("Isolated", _), ("Removed", true): pattern = known
        case (let behavior, _): throw unsupported("pre_tokenizer.Split.behavior", behavior)
        }
      case "ByteLevel":
        options.addsPrefixSpace = step["add_prefix_space"]?.bool ?? true
        if step["use_regex"]?.bool ?? true {
          guard pattern == nil else {
            throw unsupported("pre_tokenizer", "Split with ByteLevel.use_regex")
          }
          pattern = .gpt2
        }
      case let other: throw unsupported("pre_tokenizer", other)
      }
    }
    guard steps.count == 1 || !options.addsPrefixSpace else {
      throw unsupported("pre_tokenizer", "ByteLevel.add_prefix_space after another step")
    }
    options.preTokenization = PreTokenization(pattern ?? .whole, splitsDigits: splitsDigits)
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
    let step = normalizers[0]
    var normalization = BertNormalization()
    normalization.cleansText = step["clean_text"]?.bool ?? true
    normalization.spacesIdeographs = step["handle_chinese_chars"]?.bool ?? true
    normalization.lowercases = step["lowercase"]?.bool ?? true
    normalization.stripsAccents = step["strip_accents"]?.bool ?? normalization.lowercases
    var options = WordPiece.Options()
    options.continuationPrefix = model["continuing_subword_prefix"]?.string ?? "##"
    options.maximumWordLength = model["max_input_chars_per_word"]?.integer ?? 100
    let vocabulary = try vocabulary(of: model)
    let special = special(model, vocabulary)
    guard let unknown = special.unknown else {
      throw FormatError(
        .badData, file: file, place: "key 'unk_token'", problem: "is not in the vocabulary")
    }
    return WordPiece(
      vocabulary: vocabulary, unknown: unknown, normalization: normalization, options: options,
      added: added, special: special, frame: try frame(vocabulary))
  }
}
