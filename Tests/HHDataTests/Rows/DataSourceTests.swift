// Files opened for a model.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("DataSource")
struct DataSourceTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(
    _ path: String, _ purpose: DataSource.Purpose, _ tokenizer: (any Tokenizer)? = nil,
    vocabularySize: Int = 1000
  ) throws -> DataSource {
    try DataSource(
      at: path, for: purpose, tokenizer: tokenizer, vocabularySize: vocabularySize,
      files: ModelFiles(in: directory.path))
  }

  @Test("Text goes through the tokenizer, for decoders and for encoders")
  func text() throws {
    let path = try directory.write("abc", to: "x.txt")
    #expect(
      try open(path, .decoder(length: 2), ByteTokenizer()).rows
        == .tokens(TokenRows(ids: [97, 98], length: 2)))
    let encoder = try open(path, .encoder(length: 4), ByteTokenizer())
    #expect(encoder.rows == .tokens(TokenRows(ids: [256, 97, 98, 257], length: 4)))
    #expect(encoder.droppedTokenCount == 1)
    #expect(
      encoder.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test("Ids come from .npy and .bin without a tokenizer, and rows stay rows")
  func ids() throws {
    let bin = try directory.write([1, 0, 2, 0, 3, 0], to: "x.bin")
    #expect(
      try open(bin, .decoder(length: 3)).rows == .tokens(TokenRows(ids: [1, 2, 3], length: 3)))
    let rows = try directory.write(ArrayForge.numpy("|u1", "(2, 2)", [1, 2, 3, 4]), to: "x.npy")
    let source = try open(rows, .encoder(length: 2), ByteTokenizer())
    #expect(source.rows == .tokens(TokenRows(ids: [1, 2, 3, 4], length: 2)))
    #expect(source.droppedTokenCount == 0)
    #expect(throws: FormatError.self) { try open(rows, .decoder(length: 4)) }
  }

  @Test("A byte order mark is no text")
  func byteOrderMark() throws {
    let path = try directory.write("\u{FEFF}abc", to: "x.txt")
    #expect(
      try open(path, .decoder(length: 3), ByteTokenizer()).rows
        == .tokens(TokenRows(ids: [97, 98, 99], length: 3)))
  }

  @Test(
    "Of files with columns the texts of one are read, a line end between them",
    arguments: [
      ("x.jsonl", "{\"text\": \"ab\", \"id\": 1}\n\n{\"id\": 2, \"text\": \"c\"}\n"),
      ("x.json", " [{\"text\": \"ab\"}, {\"text\": \"c\"}]"),
      ("x.tsv", "id\ttext\n1\tab\n2\tc\n"), ("x.csv", "text\nab\nc"),
    ])
  func columns(name: String, text: String) throws {
    let path = try directory.write(text, to: name)
    let read = try open(path, .decoder(length: 4), ByteTokenizer())
    #expect(read.rows == .tokens(TokenRows(ids: [97, 98, 10, 99], length: 4)))
    let named = try DataSource(
      at: directory.write("{\"body\": \"ab\", \"text\": \"c\"}", to: "y.jsonl"),
      for: .encoder(length: 4, classes: ["no", "yes"]), tokenizer: ByteTokenizer(),
      vocabularySize: 1000, files: ModelFiles(in: directory.path), columns: ["body"])
    #expect(named.rows == .tokens(TokenRows(ids: [256, 97, 98, 257], length: 4)))
  }

  /// A file that must be refused.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    var purpose = DataSource.Purpose.decoder(length: 4)
    var hasTokenizer = true
    let word: String
    var testDescription: String { name }
  }

  @Test(
    "What does not fit is refused",
    arguments: [
      Refusal(name: "x.txt", bytes: [], word: "found no tokens"),
      Refusal(name: "x.txt", bytes: Array("abc".utf8), word: "at least 4 tokens"),
      Refusal(name: "x.txt", bytes: [0x61, 0x62, 0xFF, 0x63], word: "byte 2"),
      Refusal(name: "x.txt", bytes: [0x61], hasTokenizer: false, word: "no tokenizer"),
      Refusal(name: "x.bin", bytes: [0xFF, 0xFF], word: "found 65535"),
      Refusal(name: "x.npy", bytes: Array("text".utf8), word: "no NumPy array"),
      Refusal(name: "x", bytes: ArrayForge.idx([1], [0]), word: "IDX"),
      Refusal(name: "x.txt", bytes: [0x1F, 0x8B, 8, 0], word: "found gzip data"),
      Refusal(name: "x.txt", bytes: Array("PAR1..".utf8), word: "found a Parquet file"),
      Refusal(name: "x.txt", bytes: [0x50, 0x4B, 3, 4], word: "found a zip archive"),
      Refusal(name: "x.txt", bytes: [0xFF, 0xFE, 0x61, 0], word: "found UTF-16 text"),
      Refusal(name: "x.jsonl", bytes: Array("{\"body\": \"a\"}".utf8), word: "found 'body'"),
      Refusal(name: "x.jsonl", bytes: Array("{\"text\": 1".utf8), word: "line 1: invalid JSON"),
      Refusal(name: "x.jsonl", bytes: Array("[1]".utf8), word: "expected a JSON object, found 1"),
      Refusal(
        name: "x.jsonl", bytes: Array("{\"text\": \"a\"}\n{\"t\": \"b\"}".utf8),
        word: "line 2: expected text under the key 'text', found none"),
      Refusal(name: "x.csv", bytes: Array("text\n\"a".utf8), word: "line 2: expected an end"),
      Refusal(name: "x.csv", bytes: Array("a,b\n1,2\n".utf8), word: "hint: rename the columns"),
      Refusal(
        name: "x.png", bytes: [0x89],
        purpose: .images(ImageShape(channels: 1, height: 1, width: 1)), word: ".npy or IDX"),
    ])
  func refused(_ refusal: Refusal) throws {
    let path = try directory.write(refusal.bytes, to: refusal.name)
    let error = #expect(throws: FormatError.self) {
      try open(path, refusal.purpose, refusal.hasTokenizer ? ByteTokenizer() : nil)
    }
    #expect("\(error.map(\.description) ?? "")".contains(refusal.word))
  }

  @Test("A missing file is a missing input")
  func missing() {
    let error = #expect(throws: FormatError.self) {
      try open(directory.path("none.txt"), .decoder(length: 4))
    }
    #expect(error?.kind == .missingInput)
  }

  @Test("Ids beyond the model's vocabulary are refused though the tokenizer makes them")
  func foreignTokenizer() throws {
    let path = try directory.write("abcd", to: "x.txt")
    let error = #expect(throws: FormatError.self) {
      try open(path, .decoder(length: 2), ByteTokenizer(), vocabularySize: 99)
    }
    #expect(error?.place == "token 2")
    let framed = #expect(throws: FormatError.self) {
      try open(path, .encoder(length: 4), ByteTokenizer(), vocabularySize: 257)
    }
    #expect(framed?.place == "token 1 of the frame")
  }

  @Test("Images come with their labels where MNIST's naming says where they are")
  func images() throws {
    let shape = ImageShape(channels: 1, height: 16, width: 16)
    let source = try DataSource(
      at: Fixtures.path("data/shapes/t10k-images-idx3-ubyte"), for: .images(shape),
      tokenizer: nil, vocabularySize: 0, files: ModelFiles(in: Fixtures.path("models/vit")))
    guard case .images(let images) = source.rows else {
      Issue.record("expected images")
      return
    }
    #expect(images.count == 200)
    #expect(images.labels?.count == 200)
    #expect(source.rows.input.rowCount == 200)
  }

  @Test("The last rows are held out", arguments: [(2, 1), (40, 2), (5000, 64)])
  func split(count: Int, heldOut: Int) throws {
    let rows = DataRows.tokens(TokenRows(ids: Array(0..<Int32(count)), length: 1))
    let parts = try #require(rows.split)
    #expect(parts.heldOut.count == heldOut)
    #expect(parts.training.count == count - heldOut)
    #expect(parts.heldOut == rows.rows(count - heldOut..<count))
    #expect(DataRows.tokens(TokenRows(ids: [1], length: 1)).split == nil)
  }
}

/// Bytes as ids, with two marks.
private struct ByteTokenizer: Tokenizer {
  let vocabularySize = 258
  var special = SpecialTokens(cls: 256, sep: 257)
  let frame = TokenFrame(prefix: [256], suffix: [257])
  let added = AddedTokens()
  func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }
  func decode(_ ids: [Int32]) -> String { String(decoding: ids.map { UInt8($0) }, as: UTF8.self) }
}
