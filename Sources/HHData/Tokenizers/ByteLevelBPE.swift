// Byte-level BPE: GPT-2, Llama-3 and their kin.

internal import HHFormat

/// The printable code points that stand for bytes in the files of byte-level tokenizers: bytes
/// 33-126, 161-172 and 174-255 stand for themselves, the other 68 are U+0100 and up, in order.
enum ByteAlphabet {
  /// The code point of each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt8 = 0
    return (0...UInt8.max).map { byte in
      switch byte {
      case 33...126, 161...172, 174...255: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(0x100 + UInt16(next)) ?? "\u{FFFD}"
      }
    }
  }()

  private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
    uniqueKeysWithValues: zip(scalars, 0...UInt8.max))

  /// The bytes that a vocabulary entry stands for; nil where it uses other code points.
  static func bytes(of token: String) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in token.unicodeScalars {
      guard let byte = bytes[scalar] else { return nil }
      result.append(byte)
    }
    return result
  }
}

/// A byte-level BPE tokenizer: every byte is a token, and merges build longer ones.
package struct ByteLevelBPE: Tokenizer {
  package let vocabularySize: Int
  package var special: SpecialTokens
  package let frame: TokenFrame

  package let vocabulary: Vocabulary
  package let merges: MergeTable
  private let byteIDs: [Int32]
  private let wholePieces: [[UInt8]: Int32]
  private let longestWholePiece: Int
  private let longestEntry: Int
  package let preTokenization: PreTokenization
  package let ignoresMerges: Bool
  package let addsPrefixSpace: Bool
  package let composes: Bool
  package let added: AddedTokens

  /// What differs between byte-level tokenizers.
  package struct Options: Sendable {
    /// How text is cut into pieces.
    package var preTokenization = PreTokenization.gpt2
    /// Whether a piece that is a vocabulary entry is taken without merging.
    package var ignoresMerges = false
    /// Whether a space is put before text that does not begin with one.
    package var addsPrefixSpace = false
    /// Whether text is put into Unicode normalisation form C first.
    package var composes = false

    /// The options of GPT-2.
    package init() {}
  }

  /// Creates a tokenizer. `merges` are pairs of vocabulary entries, the most urgent first; fails
  /// with the index of a merge whose parts or result the vocabulary lacks.
  package init(
    vocabulary: Vocabulary, merges pairs: [(left: String, right: String)], options: Options,
    added: [AddedToken], special: SpecialTokens, frame: TokenFrame
  ) throws(MergeError) {
    self.vocabulary = vocabulary
    self.special = special
    self.frame = frame
    preTokenization = options.preTokenization
    ignoresMerges = options.ignoresMerges
    addsPrefixSpace = options.addsPrefixSpace
    composes = options.composes
    self.added = AddedTokens(added) { options.composes ? canonicallyComposed($0) : $0 }
    vocabularySize = max(vocabulary.size, 1 + Int(added.map(\.id).max() ?? -1))
    merges = try vocabulary.mergeTable(pairs)
    byteIDs = ByteAlphabet.scalars.map {
      vocabulary.id(of: String($0)) ?? special.unknown ?? Self.noToken
    }
    var whole: [[UInt8]: Int32] = [:]
    if options.ignoresMerges {
      for (id, text) in vocabulary.entries {
        if let bytes = ByteAlphabet.bytes(of: text) { whole[bytes] = id }
      }
    }
    wholePieces = whole
    longestEntry = vocabulary.longest
    longestWholePiece = whole.keys.map(\.count).max() ?? -1
  }

  private static let noToken: Int32 = -1

  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    var merger = PairMerger()
    added.split(
      Array(text.utf8), normalize: { bytes, _ in composes ? canonicallyComposed(bytes) : bytes },
      onToken: { ids.append($0) },
      onText: { bytes, range, _ in
        var (bytes, range) = (bytes, range)
        if addsPrefixSpace, bytes[range.lowerBound] != 0x20 {
          bytes = [0x20] + bytes[range]
          range = bytes.indices
        }
        preTokenization.forEachPiece(of: bytes, in: range) { piece in
          if piece.count <= longestWholePiece, let id = wholePieces[Array(bytes[piece])] {
            ids.append(id)
            return
          }
          merger.merge(
            piece, longest: longestEntry, by: merges,
            symbol: { offset in
              let id = byteIDs[Int(bytes[offset])]
              return (id == Self.noToken ? nil : id, 1)
            }
          ) { id, _ in ids.append(id) }
        }
      })
    return ids
  }

  package func decode(_ ids: [Int32]) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if let token = added.entries[id] {
        if !token.isSpecial { bytes += token.content.utf8 }
      } else if let text = vocabulary.text(of: id) {
        bytes += ByteAlphabet.bytes(of: text) ?? Array(text.utf8)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
