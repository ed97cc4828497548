// What every tokenizer can do, whatever its file format.

package import HHFormat

/// Turns text into token ids and back. Instances are immutable and safe to share between threads.
package protocol Tokenizer: Sendable {
  /// The ids of a text, without the special tokens a model expects around it. Special tokens spelt
  /// out in the text are recognised as the tokenizer's own files ask.
  func encode(_ text: String) -> [Int32]
  /// The text of ids. Special tokens and ids outside the vocabulary give nothing; bytes that are
  /// not UTF-8 give U+FFFD.
  func decode(_ ids: [Int32]) -> String
  /// One more than the largest id.
  var vocabularySize: Int { get }
  /// The tokens with a role.
  var special: SpecialTokens { get set }
  /// What the tokenizer's post-processor puts around one text.
  var frame: TokenFrame { get }
  /// Tokens that are cut out of text before the model's own algorithm sees it, special ones among
  /// them.
  var added: AddedTokens { get }
}

extension Tokenizer {
  /// The ids of a text with what the post-processor adds: `[CLS] x [SEP]` for BERT, the beginning
  /// of sequence for Llama, nothing for GPT-2.
  package func encodeForModel(_ text: String) -> [Int32] {
    frame.prefix + encode(text) + frame.suffix
  }

  /// The ids of a text that follows another. Many tokenizers put a space before a text, which this
  /// one does not begin.
  package func encodeContinuation(_ text: String) -> [Int32] {
    let before = encode("a")
    let ids = encode("a" + text)
    return ids.starts(with: before) ? Array(ids.dropFirst(before.count)) : encode(text)
  }
}

/// Refuses token ids that a model's table of embeddings has no row for.
///
/// - Parameters:
///   - ids: The ids, from a tokenizer.
///   - vocabularySize: Rows of the table.
///   - file: What the error names.
///   - part: What of the file the ids are, where they are not all of it.
/// - Throws: `badData` with the first id outside the table.
package func checkTokens(
  _ ids: [Int32], vocabularySize: Int, file: String, part: String? = nil
) throws(FormatError) {
  guard let index = ids.firstIndex(where: { $0 < 0 || $0 >= vocabularySize }) else { return }
  throw FormatError(
    .badData, file: file, place: "token \(index)" + (part.map { " of \($0)" } ?? ""),
    problem: "expected an id from 0 to \(vocabularySize - 1), found \(ids[index])",
    hint: "the tokenizer beside the model is not the model's own")
}

/// Ids of the tokens with a role; nil where the vocabulary has none.
package struct SpecialTokens: Sendable, Equatable {
  /// Beginning of sequence.
  package var bos: Int32?
  /// End of sequence.
  package var eos: Int32?
  /// Other tokens that end a text, such as those that end a turn of a conversation.
  package internal(set) var otherEnds: [Int32] = []
  /// Stands for what the vocabulary cannot spell.
  package var unknown: Int32?
  /// Fills short rows of a batch.
  package var padding: Int32?
  /// Begins an encoder's sequence.
  package var cls: Int32?
  /// Ends an encoder's sequence.
  package var sep: Int32?
  /// Hides a word in masked language modelling.
  package var mask: Int32?

  /// Creates the set; every role may be missing.
  package init(
    bos: Int32? = nil, eos: Int32? = nil, otherEnds: [Int32] = [], unknown: Int32? = nil,
    padding: Int32? = nil,
    cls: Int32? = nil, sep: Int32? = nil, mask: Int32? = nil
  ) {
    self.bos = bos
    self.eos = eos
    self.unknown = unknown
    self.padding = padding
    self.cls = cls
    self.sep = sep
    self.mask = mask
    addEnds(otherEnds)
  }

  /// Adds tokens that end a text, each once.
  mutating func addEnds(_ ids: [Int32]) {
    for id in ids where id != eos && !otherEnds.contains(id) { otherEnds.append(id) }
  }

  /// All tokens at which generation stops, each once, the end of sequence first.
  package var ends: [Int32] { [eos].compactMap(\.self) + otherEnds }

  /// The ids that have a role other than standing for the unknown, each once, in ascending order.
  package var structural: [Int32] {
    Set([bos, eos, padding, cls, sep, mask].compactMap(\.self)).sorted()
  }
}

/// The ids put before and after one text.
package struct TokenFrame: Sendable, Equatable {
  /// Ids before the text.
  package var prefix: [Int32]
  /// Ids after the text.
  package var suffix: [Int32]

  /// Creates a frame, empty by default.
  package init(prefix: [Int32] = [], suffix: [Int32] = []) {
    self.prefix = prefix
    self.suffix = suffix
  }
}
