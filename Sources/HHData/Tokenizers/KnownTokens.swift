// The tokens beside a vocabulary: what its own file and the files around it say of them, in one.

internal import HHFormat

/// The added tokens of a tokenizer and the roles of tokens.
struct KnownTokens {
  /// Every token that is cut out of text, each id once.
  private(set) var added: [AddedToken] = []
  private var indices: [ByteKey: Int] = [:]
  private var texts: [Int32: String] = [:]
  private let vocabulary: Vocabulary
  private let file: String
  private var next: Int

  /// Joins the tokens of a tokenizer's own file with those that the settings list and name. A token
  /// without an id gets the next free one, as in transformers.
  ///
  /// - Parameters:
  ///   - own: The tokens of the tokenizer's file.
  ///   - vocabulary: The entries of its model.
  ///   - settings: What the files beside it say.
  ///   - file: The tokenizer's file, for messages.
  /// - Throws: `badData` where a file beside it gives a token another id, or an id that another
  ///   token has, or leaves ids out.
  init(
    own: [AddedToken] = [], _ vocabulary: Vocabulary, _ settings: TokenizerSettings, file: String
  ) throws(FormatError) {
    (self.vocabulary, self.file) = (vocabulary, file)
    next = vocabulary.size
    for token in own { append(token, id: token.id) }
    for entry in settings.listed { try take(entry) }
    for token in settings.named where indices[ByteKey(token.content)] == nil {
      append(token, id: id(of: token.content))
    }
  }

  /// The id of a text among added tokens and entries.
  func id(of text: String) -> Int32? {
    indices[ByteKey(text)].map { added[$0].id } ?? vocabulary.id(of: text)
  }

  /// Adds a token with an id, or with the next free one.
  private mutating func append(_ token: AddedToken, id: Int32?) {
    var token = token
    token.id = id ?? Int32(next)
    indices[ByteKey(token.content)] = added.count
    texts[token.id] = token.content
    added.append(token)
    next = max(next, Int(token.id) + 1)
  }

  private mutating func take(_ entry: TokenizerSettings.ListedToken) throws(FormatError) {
    let token = entry.token
    if let known = id(of: token.content) {
      guard known == token.id else {
        throw problem(entry, "expected the id \(known) that \(file) gives, found \(token.id)")
      }
    } else if let other = text(of: token.id) {
      throw problem(entry, "has the id \(token.id), which in \(file) is that of \(quoted(other))")
    } else if Int(token.id) != next {
      throw problem(entry, "expected the next free id, \(next), found \(token.id)")
    }
    guard let index = indices[ByteKey(token.content)] else { return append(token, id: token.id) }
    if entry.hasFlags { added[index] = token }
  }

  private func text(of id: Int32) -> String? {
    texts[id] ?? vocabulary.text(of: id)
  }

  private func problem(_ entry: TokenizerSettings.ListedToken, _ problem: String) -> FormatError {
    FormatError(
      .badData, file: entry.file, place: "token \(quoted(entry.token.content))", problem: problem)
  }
}
