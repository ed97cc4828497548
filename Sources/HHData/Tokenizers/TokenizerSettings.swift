// What tokenizer_config.json and special_tokens_map.json say beside a tokenizer's own file.

internal import HHFormat

/// Settings beside a tokenizer; nil where the files say nothing.
struct TokenizerSettings {
  /// Texts of the tokens with a role, keyed `bos_token` and so on.
  private var roles: [String: String] = [:]
  /// The Python class the tokenizer was written by.
  private(set) var tokenizerClass: String?
  /// Whether the beginning of sequence goes before a text.
  private(set) var addsBOS: Bool?
  /// Whether the end of sequence goes after a text.
  private(set) var addsEOS: Bool?
  /// Whether a space goes before a text.
  private(set) var addsPrefixSpace: Bool?
  /// BERT's clean-up.
  private(set) var bert = BertNormalization()

  /// Reads the settings beside a tokenizer; both files may be missing.
  init(_ files: ModelFiles) throws(FormatError) {
    for name in ["special_tokens_map.json", "tokenizer_config.json"] where files.holds(name) {
      let settings = try files.object(name)
      for (key, value) in settings.pairs where key.hasSuffix("_token") {
        // A role is a text, or an object such as {"content": "<s>", "lstrip": false}.
        if let text = value.string ?? value["content"]?.string { roles[key] = text }
      }
      tokenizerClass = settings["tokenizer_class"]?.string ?? tokenizerClass
      addsBOS = settings["add_bos_token"]?.bool ?? addsBOS
      addsEOS = settings["add_eos_token"]?.bool ?? addsEOS
      addsPrefixSpace = settings["add_prefix_space"]?.bool ?? addsPrefixSpace
      bert.lowercases = settings["do_lower_case"]?.bool ?? bert.lowercases
      bert.spacesIdeographs = settings["tokenize_chinese_chars"]?.bool ?? bert.spacesIdeographs
      bert.stripsAccents = settings["strip_accents"]?.bool ?? bert.lowercases
    }
  }

  /// The tokens with a role, by the settings' spelling, else by the usual spellings.
  func special(_ id: (String) -> Int32?) -> SpecialTokens {
    func role(_ key: String, _ usual: [String]) -> Int32? {
      if let text = roles[key] { return id(text) }
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
}
