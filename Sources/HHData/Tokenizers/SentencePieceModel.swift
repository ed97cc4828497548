// tokenizer.model: SentencePiece's ModelProto (sentencepiece_model.proto), as far as BPE and unigram need it.
//
// ModelProto: 1 pieces {1 text, 2 score, 3 type}, 2 trainer_spec {3 model_type, 24
// treat_whitespace_as_suffix, 35 byte_fallback, 40 to 43 ids of unk, bos, eos, pad},
// 3 normalizer_spec {2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces,
// 5 escape_whitespaces}.

package import HHFormat

/// A SentencePiece model, BPE or unigram.
package struct SentencePieceModel: Sendable {
  /// What a piece is for; the numbers are the file's.
  package enum Kind: UInt64 {
    case normal = 1, unknown, control, userDefined, unused, byte
  }

  /// One vocabulary entry.
  package struct Piece {
    package var text = ""
    package var score: Float = 0
    package var kind = Kind.normal
  }

  private(set) var pieces: [Piece] = []
  private(set) var special = SpecialTokens(bos: 1, eos: 2, unknown: 0)
  /// Whether text is cut by the scores' sum rather than by merges.
  private(set) var isUnigram = false
  /// What characters are replaced with.
  private(set) var characters: CharacterMap?
  private(set) var addsDummyPrefix = true
  private(set) var removesExtraSpaces = true
  private let file: String
  private let bytes: [UInt8]

  /// Parses a model; errors name `file`.
  package init(parsing bytes: [UInt8], file: String) throws(FormatError) {
    self.bytes = bytes
    self.file = file
    do {
      var reader = ProtobufReader(bytes, in: bytes.indices)
      while let field = try reader.next() {
        switch (field.number, field.value) {
        case (1, .bytes(let range)): pieces.append(try piece(range))
        case (2, .bytes(let range)): try readTrainer(range)
        case (3, .bytes(let range)): try readNormalizer(range)
        default: continue
        }
      }
    } catch let error as ProtobufError {
      throw FormatError(.badData, file: file, place: "byte \(error.offset)", problem: error.problem)
    } catch let error as FormatError {
      throw error
    } catch {
      throw FormatError(.badData, file: file, problem: "\(error)")
    }
    guard !pieces.isEmpty, pieces.count <= Vocabulary.maximumID else {
      throw FormatError(
        .badData, file: file,
        problem: "expected 1 to \(Vocabulary.maximumID) pieces, found \(pieces.count)")
    }
    // Ids of -1 or beyond the pieces say that there is no such token.
    special = SpecialTokens(
      bos: existing(special.bos), eos: existing(special.eos), unknown: existing(special.unknown),
      padding: existing(special.padding))
  }

  /// Puts together a model whose parts are known and checked; errors name `file`.
  init(
    pieces: [Piece], special: SpecialTokens, addsDummyPrefix: Bool, removesExtraSpaces: Bool,
    file: String
  ) {
    self.pieces = pieces
    self.special = special
    self.addsDummyPrefix = addsDummyPrefix
    self.removesExtraSpaces = removesExtraSpaces
    self.file = file
    bytes = []
  }

  /// Adds tokens that other files give ids to; those that the model has keep their kinds.
  mutating func append(_ tokens: [AddedToken]) {
    for token in tokens.sorted(by: { $0.id < $1.id }) where Int(token.id) == pieces.count {
      pieces.append(
        Piece(text: token.content, kind: token.isSpecial ? .control : .userDefined))
    }
  }

  private func existing(_ id: Int32?) -> Int32? {
    id.flatMap { pieces.indices.contains(Int($0)) ? $0 : nil }
  }

  private func piece(_ range: Range<Int>) throws -> Piece {
    var piece = Piece()
    var reader = ProtobufReader(bytes, in: range)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)):
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
          throw ProtobufError(offset: range.lowerBound, problem: "a piece that is not valid UTF-8")
        }
        piece.text = text
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .integer(let number)):
        guard let kind = Kind(rawValue: number), kind != .unused else {
          throw unsupported("piece \(pieces.count) of type \(number)")
        }
        piece.kind = kind
      default: continue
      }
    }
    guard !piece.score.isNaN else {
      throw ProtobufError(offset: range.lowerBound, problem: "a piece whose score is not a number")
    }
    return piece
  }

  private mutating func readTrainer(_ range: Range<Int>) throws {
    // The default of model_type is 1, unigram.
    var type: UInt64 = 1
    var reader = ProtobufReader(bytes, in: range)
    while let field = try reader.next() {
      guard case .integer(let number) = field.value else { continue }
      let id = Int32(truncatingIfNeeded: number)
      switch field.number {
      case 3: type = number
      case 24: if number != 0 { throw unsupported("white space as a suffix") }
      case 40: special.unknown = id
      case 41: special.bos = id
      case 42: special.eos = id
      case 43: special.padding = id
      default: continue
      }
    }
    guard type == 1 || type == 2 else {
      throw unsupported("model type \(type)", hint: "unigram, type 1, and BPE, type 2, are")
    }
    isUnigram = type == 1
  }

  private mutating func readNormalizer(_ range: Range<Int>) throws {
    var reader = ProtobufReader(bytes, in: range)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let range)):
        guard !range.isEmpty else { continue }
        guard let map = CharacterMap(Array(bytes[range]), .longest) else {
          throw ProtobufError(
            offset: range.lowerBound, problem: "a map of characters that is cut short")
        }
        characters = map
      case (3, .integer(let flag)): addsDummyPrefix = flag != 0
      case (4, .integer(let flag)): removesExtraSpaces = flag != 0
      case (5, .integer(let flag)): if flag == 0 { throw unsupported("unescaped white space") }
      default: continue
      }
    }
  }

  private func unsupported(_ what: String, hint: String? = nil) -> FormatError {
    FormatError(.unsupported, file: file, problem: "\(what) is not supported", hint: hint)
  }
}
