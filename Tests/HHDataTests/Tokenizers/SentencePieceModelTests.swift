// SentencePiece models forged byte by byte.

import HHFormat
import ModelTestSupport
import Testing

@testable import HHData

/// Writes protobuf fields.
enum ProtobufForge {
  static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
  }
  static func integer(_ field: UInt64, _ value: UInt64) -> [UInt8] {
    varint(field << 3) + varint(value)
  }
  static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] {
    varint(field << 3 | 2) + varint(UInt64(value.count)) + value
  }
  static func piece(_ text: String, score: Float = 0, kind: UInt64 = 1) -> [UInt8] {
    let bits = score.bitPattern
    let number = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    return bytes(1, bytes(1, Array(text.utf8)) + varint(2 << 3 | 5) + number + integer(3, kind))
  }
  /// A BPE model of these pieces without a character map.
  static func model(
    _ pieces: [[UInt8]], trainer: [UInt8] = integer(3, 2), normalizer: [UInt8] = integer(4, 0)
  ) -> [UInt8] {
    pieces.flatMap(\.self) + bytes(2, trainer) + bytes(3, normalizer)
  }
}

@Suite("SentencePieceModel")
struct SentencePieceModelTests {
  private static let pieces =
    [
      ProtobufForge.piece("<unk>", kind: 2), ProtobufForge.piece("<s>", kind: 3),
      ProtobufForge.piece("</s>", kind: 3),
    ] + ["a", "b", "▁"].map { ProtobufForge.piece($0, score: -9) }
    + [
      ProtobufForge.piece("ab", score: -1), ProtobufForge.piece("▁a", score: -2),
      ProtobufForge.piece("@x", kind: 4),
    ]

  private func tokenizer(_ bytes: [UInt8]) throws -> SentencePieceBPE {
    SentencePieceBPE(
      try SentencePieceModel(parsing: bytes, file: "m"), frame: TokenFrame())
  }

  @Test("The highest score merges first, user-defined pieces are found whole")
  func encode() throws {
    let tokenizer = try tokenizer(ProtobufForge.model(Self.pieces))
    #expect(tokenizer.encode("ab") == [5, 6])
    #expect(tokenizer.encode("a a") == [7, 7])
    #expect(tokenizer.encode("a@xb") == [7, 8, 4])
    #expect(tokenizer.encode("").isEmpty)
    // Without byte pieces a run of unknown characters is one unknown token.
    #expect(tokenizer.encode("yyb") == [5, 0, 4])
    #expect(tokenizer.decode([1, 7, 6, 2]) == "aab")
  }

  @Test("Extra spaces go where the model says so")
  func spaces() throws {
    let normalizer = ProtobufForge.integer(4, 1)
    let tokenizer = try tokenizer(ProtobufForge.model(Self.pieces, normalizer: normalizer))
    #expect(tokenizer.encode("  a   a ") == [7, 7])
    let bare = ProtobufForge.integer(3, 0) + ProtobufForge.integer(4, 0)
    #expect(
      try self.tokenizer(ProtobufForge.model(Self.pieces, normalizer: bare)).encode("a ") == [3, 5])
  }

  @Test("Bytes stand for characters that no piece has")
  func byteFallback() throws {
    let bytes = (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return ProtobufForge.piece("<0x\(digits.count == 1 ? "0" : "")\(digits)>", kind: 6)
    }
    let tokenizer = try tokenizer(ProtobufForge.model(Self.pieces + bytes))
    #expect(tokenizer.encode("é") == [5, 9 + 0xC3, 9 + 0xA9])
    #expect(tokenizer.decode([5, 9 + 0xC3, 9 + 0xA9]) == "é")
  }

  @Test(
    "Models of another kind are refused",
    arguments: [
      (ProtobufForge.integer(3, 3), [], "model type 3"),
      (ProtobufForge.integer(3, 2) + ProtobufForge.integer(24, 1), [], "suffix"),
      (ProtobufForge.integer(3, 2), ProtobufForge.integer(5, 0), "white space"),
    ] as [([UInt8], [UInt8], String)])
  func unsupported(trainer: [UInt8], normalizer: [UInt8], word: String) {
    let bytes = ProtobufForge.model(Self.pieces, trainer: trainer, normalizer: normalizer)
    let error = #expect(throws: FormatError.self) {
      try SentencePieceModel(parsing: bytes, file: "m")
    }
    #expect(error?.kind == .unsupported)
    #expect(error?.problem.contains(word) == true)
  }

  @Test("A map of characters that is cut short is refused")
  func characterMap() {
    let bytes = ProtobufForge.model(
      Self.pieces, trainer: ProtobufForge.integer(3, 2), normalizer: ProtobufForge.bytes(2, [1]))
    let error = #expect(throws: FormatError.self) {
      try SentencePieceModel(parsing: bytes, file: "m")
    }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains("a map of characters that is cut short") == true)
  }

  @Test("No prefix and no changed byte of a model stops the program")
  func damage() throws {
    let whole = ProtobufForge.model(Self.pieces)
    for count in whole.indices { try survive(Array(whole[..<count])) }
    for index in whole.indices {
      for flip: UInt8 in [1, 0x80, 0xFF] {
        var bytes = whole
        bytes[index] ^= flip
        try survive(bytes)
      }
    }
  }

  /// Either an error or a tokenizer that works.
  private func survive(_ bytes: [UInt8]) throws {
    do {
      let tokenizer = try tokenizer(bytes)
      _ = tokenizer.decode(tokenizer.encode("ab a@xy"))
    } catch is FormatError {}
  }
}
