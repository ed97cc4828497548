// The patterns that byte-level tokenizers cut text with, as their tokenizer.json writes them.

/// Texts of patterns, by the tokenizer that had each first.
package enum SplitPatterns {
  /// GPT-2's: contractions, words, numbers and marks with the space before them, white space.
  package static let gpt2 =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  /// Other spellings of GPT-2's pattern that files have.
  static let gpt2Spellings = [
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  ]
  /// Every digit alone.
  package static let digit = #"\p{N}"#
  /// Digits by up to three, from the left.
  static let threeDigits = #"\p{N}{1,3}"#
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spaces = #"\s+(?!\S)|\s+"#
  private static let marks = #" ?[^\s\p{L}\p{N}]+[\r\n]*"#

  /// Llama 3's: a mark may begin a word, marks take the line ends behind them.
  package static let llama3 = llama3(digits: threeDigits)
  /// Qwen 2's: Llama 3's with single digits.
  package static let qwen2 = llama3(digits: digit)
  /// Qwen 2's without contractions.
  static let ufakzeka = #"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|\#(marks)|\s*[\r\n]+|\#(spaces)"#
  /// Qwen 3.5's: marks such as accents are parts of words.
  static let qwen35 =
    #"\#(contractions)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"#
    + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\#(spaces)"#
  static let seedCoder =
    #"\#(contractions)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|"#
    + spaces
  static let bailing =
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
    + #"|\s*[\r\n]|\#(spaces)"#
  static let minicpm5 = llama3(digits: #"\p{N}+"#)
  static let jais2 =
    #"\#(contractions)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\#(marks)|\s*[\r\n]+"#
    + [512, 256, 128, 64, 32, 16, 8, 4].map { #"|\s{\#($0)}(?!\S)"# }.joined()
    + #"|\s{1,2}(?!\S)|\s{1}"#
  static let exaoneMoe =
    #"\#(contractions)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
    + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\#(spaces)"#
  /// Lines, and runs of line ends.
  static let lines = #"[^\n]+|[\n]+"#

  private static func llama3(digits: String) -> String {
    #"\#(contractions)|[^\r\n\p{L}\p{N}]?\p{L}+|\#(digits)|\#(marks)|\s*[\r\n]+|\#(spaces)"#
  }

  /// GPT-4o's: words end where lower case turns into upper case.
  static let gpt4o = cased(contractions: "\(contractions)?", digits: threeDigits)
  static let tekken = cased(contractions: "", digits: digit)
  static let youtu = cased(contractions: "\(contractions)?", digits: digit)

  private static func cased(contractions: String, digits: String, minus: String = "") -> String {
    let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}\#(minus)]"#
    let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}\#(minus)]"#
    let mark = #"[^\r\n\p{L}\p{N}]?"#
    let slash = minus.isEmpty ? "/" : ""
    return "\(mark)\(upper)*\(lower)+\(contractions)|\(mark)\(upper)+\(lower)*\(contractions)"
      + #"|\#(digits)| ?[^\s\p{L}\p{N}]+[\r\n\#(slash)]*|\s*[\r\n]+|\#(spaces)"#
  }

  /// Kimi K2's: runs of Han ideographs, and words of other letters.
  static let kimi =
    #"[\p{Han}]+|"#
    + cased(contractions: "\(contractions)?", digits: threeDigits, minus: #"&&[^\p{Han}]"#)

  /// Patterns whose matches leave no text out: files may ask to keep the matches only.
  static let complete = Set([gpt2, llama3, qwen2, gpt4o, tekken] + gpt2Spellings)

  /// What `Replace` and `Split` look for in tokenizers that are not byte-level.
  static let ofComponents = [
    " {2,}", #"\s+"#, #"\s{2,}"#, #"\d"#, #"\d+"#, #"[\r\n]+"#, #"\n"#,
    // CLIP's.
    #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#,
  ]

  // MARK: DeepSeek and its kin

  private static let asciiMark = ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##
  private static let markedWord = #"\#(asciiMark)|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"#
  static let deepseek3 =
    #"\#(markedWord)| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\#(spaces)"#
  static let spark = #"\#(markedWord)| ?[\p{P}\p{S}]+|[\r\n]|\#(spaces)"#
  /// Chinese ideographs and Japanese syllables.
  static let chineseAndKana = "[一-龥\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+"
  static let chineseAndHangul = "[一-龥\u{800}-一가-\u{D7FF}]+"
  static let lineEnd = #"[\r\n]"#
  static let words = #"\s?\p{L}+"#
  static let punctuations = #"\s?\p{P}+"#
  static let numbers = #"\p{N}+"#
  static let lastSpaces = #"\s+$"#
  static let wideMarks =
    #"\s?[!-/:-~！-／：-～\#u{2018}-\#u{201F}\#u{3000}-\#u{3002}]+"#
  /// Letters with a case, by their ranges.
  static let casedWords =
    #"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿ\#u{386}\#u{388}-\#u{38A}\#u{38C}\#u{38E}-ΡΣ-ϵϷ-ҁ"#
    + #"Ҋ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽ\#u{1C90}-\#u{1CBA}\#u{1CBD}-\#u{1CBF}ᴀ-ᴫᵫ-ᵷᵹ-ᶚ\#u{1E00}-\#u{1F15}"#
    + #"\#u{1F18}-\#u{1F1D}\#u{1F20}-\#u{1F45}\#u{1F48}-\#u{1F4D}\#u{1F50}-\#u{1F57}\#u{1F59}"#
    + #"\#u{1F5B}\#u{1F5D}\#u{1F5F}-\#u{1F7D}\#u{1F80}-\#u{1FB4}\#u{1FB6}-\#u{1FBC}\#u{1FBE}"#
    + #"\#u{1FC2}-\#u{1FC4}\#u{1FC6}-\#u{1FCC}\#u{1FD0}-\#u{1FD3}\#u{1FD6}-\#u{1FDB}"#
    + #"\#u{1FE0}-\#u{1FEC}\#u{1FF2}-\#u{1FF4}\#u{1FF6}-\#u{1FFC}ℂℇℊ-ℓℕℙ-ℝℤ\#u{2126}ℨ"#
    + #"\#u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎ\#u{AB70}-\#u{ABBF}ﬀ-ﬆﬓ-ﬗ"#
    + #"Ａ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟\#u{1E900}-\#u{1E943}]+"#

  // MARK: Others

  /// Falcon's marks, one piece for a run of them; the older default's lacks the grave accent.
  static let falconMarks = #"[\p{P}\$\+<=>\^~\|`]+"#
  static let defaultMarks = #"[\p{P}\$\+<=>\^~\|]+"#
  static let threeASCIIDigits = "[0-9][0-9][0-9]"
  /// Words between white space and the marks that end sentences.
  static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#
  static let youtuScripts =
    "[가-힣ㄱ-ㆎ]+|[！…“”\u{2018}\u{2019}—：；，\u{3001}-\u{303F}\u{FE30}-\u{FE4F}]+|[ㄅ-ㄯ]+|"
    + chineseAndKana
  static let asianScripts =
    "[\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{F900}-\u{FAFF}\u{3040}-\u{309F}\u{30A0}-\u{30FF}"
    + "\u{FF65}-\u{FF9F}\u{2F00}-\u{2FDF}\u{E40}-\u{E7F}\u{E80}-\u{EFF}\u{1780}-\u{17FF}"
    + "\u{1000}-\u{109F}\u{AA60}-\u{AA7F}\u{A9E0}-\u{A9FF}\u{AC00}-\u{D7AF}\u{1100}-\u{11FF}]+"
  static let sentinels = "<sentinel:[0-9]+>"
  static let imageTokens = "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"
  static let chameleonSpaces = #"([\t\n]|    |  )"#
  static let chameleonMarks = #"[\p{P}!-/:-@\[-`{-~]"#
}
