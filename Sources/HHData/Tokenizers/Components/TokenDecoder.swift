// Steps that make text of tokens, as tokenizer.json lists them.

/// One decoder: changes the texts of tokens, which are joined in the end.
enum DecoderStep: Sendable {
  /// Printable characters back to bytes.
  case byteLevel
  /// A space before every token that does not continue a word.
  case wordPiece(prefix: [UInt8], cleansUp: Bool)
  /// Marks back to spaces, but for the one that was put before the text.
  case metaspace(mark: [UInt8], dropsFirst: Bool)
  /// A suffix to a space, but for the last.
  case suffix([UInt8])
  case replace(TextPattern, with: [UInt8])
  /// `<0x0A>` to the byte.
  case byteFallback
  /// All tokens into one.
  case fuse
  /// Drops so many of a character at the ends of each token.
  case strip([UInt8], start: Int, stop: Int)

  /// Changes the texts of tokens, in order.
  func callAsFunction(_ tokens: inout [[UInt8]]) {
    switch self {
    case .byteLevel:
      let text = String(decoding: Array(tokens.joined()), as: UTF8.self)
      tokens = [ByteAlphabet.bytes(of: text) ?? Array(text.utf8)]
    case .wordPiece(let prefix, let cleansUp):
      for index in tokens.indices {
        if index > 0 {
          tokens[index] =
            tokens[index].starts(with: prefix)
            ? Array(tokens[index].dropFirst(prefix.count)) : [0x20] + tokens[index]
        }
        if cleansUp { tokens[index] = Self.cleanedUp(tokens[index]) }
      }
    case .metaspace(let mark, let dropsFirst):
      for index in tokens.indices {
        let content: [UInt8] = index == 0 && dropsFirst ? [] : [0x20]
        DecoderStep.replace(.text(mark), with: content).apply(to: &tokens[index])
      }
    case .suffix(let suffix):
      for index in tokens.indices {
        DecoderStep.replace(.text(suffix), with: index == tokens.count - 1 ? [] : [0x20])
          .apply(to: &tokens[index])
      }
    case .replace, .strip: for index in tokens.indices { apply(to: &tokens[index]) }
    case .byteFallback: tokens = Self.withBytes(tokens)
    case .fuse: tokens = [Array(tokens.joined())]
    }
  }

  /// Changes one token, for the steps that do not look at others.
  private func apply(to token: inout [UInt8]) {
    switch self {
    case .replace(let pattern, let content):
      token = NormalizerStep.replace(pattern, with: content)(token)
    case .strip(let content, let start, let stop):
      for _ in 0..<min(start, token.count) where token.starts(with: content) {
        token.removeFirst(content.count)
      }
      for _ in 0..<min(stop, token.count) where token.suffix(content.count) == content[...] {
        token.removeLast(content.count)
      }
    default: break
    }
  }

  /// Runs of byte tokens as their bytes; bytes that are no text as a replacement character each.
  private static func withBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func finish() {
      guard !bytes.isEmpty else { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        result.append(bytes)
      } else {
        result += bytes.map { _ in Array("\u{FFFD}".utf8) }
      }
      bytes = []
    }
    for token in tokens {
      if let byte = SentencePieceBPE.byte(of: String(decoding: token, as: UTF8.self)) {
        bytes.append(byte)
      } else {
        finish()
        result.append(token)
      }
    }
    finish()
    return result
  }

  /// English contractions and punctuation as they are written.
  private static func cleanedUp(_ token: [UInt8]) -> [UInt8] {
    let changes = [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
      (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]
    return changes.reduce(token) { token, change in
      NormalizerStep.replace(.text(Array(change.0.utf8)), with: Array(change.1.utf8))(token)
    }
  }
}
