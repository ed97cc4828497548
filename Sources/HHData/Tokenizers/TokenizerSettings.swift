// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say beside a tokenizer's
// own file, and when it counts: as in transformers' classes, of both its fourth and fifth version.

internal import HHFormat

/// Settings beside a tokenizer; nil where the files say nothing.
struct TokenizerSettings {
  /// The tokens with a role, keyed `bos_token` and so on.
  private var roles: [String: AddedToken] = [:]
  /// Special tokens without a role of their own.
  private var others: [AddedToken] = []
  /// Tokens that the files give ids to.
  private(set) var listed: [ListedToken] = []
  /// The Python class the tokenizer was written by.
  private(set) var tokenizerClass: String?
  /// Whether the beginning of sequence goes before a text.
  private(set) var addsBOS: Bool?
  /// Whether the end of sequence goes after a text.
  private(set) var addsEOS: Bool?
  /// Whether a space goes before a text.
  private(set) var addsPrefixSpace: Bool?
  /// Whether what follows a special token begins like a text (Llama's first tokenizers).
  private(set) var isLegacy: Bool?
  private var lowercases: Bool?
  private var stripsAccents: Bool?
  private var spacesIdeographs: Bool?

  /// A token with its id, as a file lists it.
  struct ListedToken {
    var token: AddedToken
    /// Whether the file says more than the id.
    let hasFlags: Bool
    let file: String
  }

  private static let roleKeys = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// Reads the settings beside a tokenizer; all files may be missing.
  ///
  /// - Throws: `badData` for a list of tokens that is none, and where two files give one token
  ///   different ids.
  init(_ files: ModelFiles) throws(FormatError) {
    for name in ["special_tokens_map.json", "tokenizer_config.json"] where files.holds(name) {
      let settings = try files.object(name)
      for key in Self.roleKeys {
        if let token = settings[key].flatMap(Self.token) { roles[key] = token }
      }
      for key in ["additional_special_tokens", "extra_special_tokens"] {
        let values = settings[key]?.array ?? settings[key]?.object?.pairs.map(\.value) ?? []
        others += values.compactMap(Self.token)
      }
      tokenizerClass = settings["tokenizer_class"]?.string ?? tokenizerClass
      addsBOS = settings["add_bos_token"]?.bool ?? addsBOS
      addsEOS = settings["add_eos_token"]?.bool ?? addsEOS
      addsPrefixSpace = settings["add_prefix_space"]?.bool ?? addsPrefixSpace
      isLegacy = settings["legacy"]?.bool ?? isLegacy
      lowercases = settings["do_lower_case"]?.bool ?? lowercases
      spacesIdeographs = settings["tokenize_chinese_chars"]?.bool ?? spacesIdeographs
      stripsAccents = settings["strip_accents"]?.bool ?? stripsAccents
      if settings["split_special_tokens"]?.bool == true {
        throw FormatError(
          .unsupported, file: files.path(name), place: "key 'split_special_tokens'",
          problem: "special tokens that are taken for text are not supported")
      }
      for (id, value) in settings["added_tokens_decoder"]?.object?.pairs ?? [] {
        guard let id = Int(id), (0...Vocabulary.maximumID).contains(id),
          var token = Self.token(value)
        else {
          throw FormatError(
            .badData, file: files.path(name), place: "key 'added_tokens_decoder'",
            problem: "expected ids from 0 to \(Vocabulary.maximumID) with a content, found "
              + quoted("\(id): \(value.text)"))
        }
        token.id = Int32(id)
        token.isSpecial = value["special"]?.bool ?? false
        listed.append(ListedToken(token: token, hasFlags: true, file: files.path(name)))
      }
    }
    if files.holds("added_tokens.json") { try readAddedTokens(files, "added_tokens.json") }
    listed.sort { $0.token.id < $1.token.id }
  }

  /// The older list of tokens: an id for each text.
  private mutating func readAddedTokens(
    _ files: ModelFiles, _ name: String
  ) throws(FormatError) {
    let file = files.path(name)
    let known = Dictionary(
      listed.map { (ByteKey($0.token.content), $0) }, uniquingKeysWith: { first, _ in first })
    let named = Dictionary(
      self.named.map { (ByteKey($0.content), $0) }, uniquingKeysWith: { first, _ in first })
    for (text, value) in try files.object(name).pairs {
      guard let id = value.integer, (0...Vocabulary.maximumID).contains(id), !text.isEmpty else {
        throw FormatError(
          .badData, file: file, place: "token \(quoted(text))",
          problem: "expected a text and an id from 0 to \(Vocabulary.maximumID), found "
            + value.text)
      }
      if let other = known[ByteKey(text)] {
        guard other.token.id == Int32(id) else {
          throw FormatError(
            .badData, file: file, place: "token \(quoted(text))",
            problem: "expected the id \(other.token.id) that \(other.file) gives, found \(id)")
        }
        continue
      }
      // A token without a role is looked for in the normalised text, as transformers does.
      var token =
        named[ByteKey(text)]
        ?? AddedToken(id: 0, content: text, isSpecial: false, isNormalized: true)
      token.id = Int32(id)
      listed.append(ListedToken(token: token, hasFlags: false, file: file))
    }
  }

  /// A token as a text, or as an object such as `{"content": "<s>", "lstrip": false}`.
  private static func token(_ value: JSONValue) -> AddedToken? {
    guard let text = value.string ?? value["content"]?.string, !text.isEmpty else { return nil }
    return AddedToken(
      id: 0, content: text, isNormalized: value["normalized"]?.bool ?? false,
      stripsLeft: value["lstrip"]?.bool ?? false, stripsRight: value["rstrip"]?.bool ?? false,
      isSingleWord: value["single_word"]?.bool ?? false)
  }

  /// Whether the files name a special token so.
  func names(_ text: String) -> Bool {
    named.contains { $0.content.utf8.elementsEqual(text.utf8) }
  }

  /// The special tokens that the files name, those with a role first.
  var named: [AddedToken] { Self.roleKeys.compactMap { roles[$0] } + others }

  /// The tokens with a role, by the settings' spelling, else by the usual spellings.
  func special(_ id: (String) -> Int32?) -> SpecialTokens {
    func role(_ key: String, _ usual: [String]) -> Int32? {
      if let token = roles[key] { return id(token.content) }
      return usual.lazy.compactMap(id).first
    }
    return SpecialTokens(
      bos: role("bos_token", ["<s>", "<|begin_of_text|>", "<|endoftext|>"]),
      eos: role("eos_token", ["</s>", "<|end_of_text|>", "<|endoftext|>"]),
      unknown: role("unk_token", ["[UNK]", "<unk>"]),
      padding: role("pad_token", ["[PAD]", "<pad>"]),
      cls: role("cls_token", ["[CLS]"]),
      sep: role("sep_token", ["[SEP]"]),
      mask: role("mask_token", ["[MASK]"]))
  }

  // MARK: Where the settings win over tokenizer.json

  /// Whether the tokenizer is of one of Llama's classes.
  var isLlama: Bool { tokenizerClass?.hasPrefix("Llama") ?? false }

  /// Classes with BERT's clean-up that are not called after it.
  private static let bertKin = ["Electra", "LayoutLMTokenizer", "MPNet", "Lxmert", "Funnel"]

  /// BERT's clean-up: that of its classes, whatever `file` says; that of the file for others, which
  /// take the file as it is. Without a class the model's own counts, which is BERT's.
  func bert(_ file: BertNormalization = BertNormalization()) -> BertNormalization {
    let name = tokenizerClass ?? "Bert"
    let isBert = name.contains("Bert") || Self.bertKin.contains { name.hasPrefix($0) }
    guard isBert else { return file }
    var result = file
    result.lowercases = lowercases ?? true
    result.stripsAccents = stripsAccents ?? result.lowercases
    result.spacesIdeographs = spacesIdeographs ?? true
    return result
  }

  /// Whether a byte-level tokenizer puts a space before a text: GPT-2's classes and their kin do as
  /// the settings say and by default do not, whatever `file` says.
  func addsPrefixSpace(_ file: Bool) -> Bool {
    guard let name = tokenizerClass else { return addsPrefixSpace ?? file }
    let follow = ["GPT2", "GPTNeoX", "Roberta", "Bart", "Longformer"].contains(
      where: name.hasPrefix)
    return follow ? addsPrefixSpace ?? false : file
  }

  /// The frame that Llama's classes give a text: as the settings say, else as `file` does.
  func frame(_ file: TokenFrame, _ special: SpecialTokens) -> TokenFrame {
    guard isLlama else { return file }
    var frame = file
    if let addsBOS { frame.prefix = addsBOS ? special.bos.map { [$0] } ?? [] : [] }
    if let addsEOS { frame.suffix = addsEOS ? special.eos.map { [$0] } ?? [] : [] }
    return frame
  }
}
