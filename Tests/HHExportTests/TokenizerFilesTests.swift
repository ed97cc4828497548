// Tokenizers of GGUF files as files for transformers: the same ids, by our reader and by theirs.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHExport

@Suite("TokenizerFiles")
struct TokenizerFilesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Writes the files of a tokenizer into a folder and returns its path.
  @discardableResult
  private func write(
    _ tokenizer: any Tokenizer, of metadata: GGUFFile? = nil, to folder: String
  ) throws -> String {
    let files = try TokenizerFiles(tokenizer, of: metadata, file: "model")
    for file in files.files(maximumLength: 128) {
      try directory.write(
        String(decoding: file.content, as: UTF8.self), to: "\(folder)/\(file.name)")
    }
    return directory.path(folder)
  }

  private func tokenizer(_ keys: [GGUFKeyValue]) throws -> any Tokenizer {
    let path = directory.path("vocabulary.gguf")
    _ = try GGUFWriter.write(to: path, metadata: keys, tensors: []) { _, _ in }
    return try #require(try TokenizerLoader.load(from: GGUFFile(at: path)))
  }

  private static func keys(
    _ model: String, _ tokens: [String], _ types: [Int32], _ roles: [(String, UInt32)],
    _ others: [GGUFKeyValue] = []
  ) -> [GGUFKeyValue] {
    [
      .string("tokenizer.ggml.model", model), .strings("tokenizer.ggml.tokens", tokens),
      .integers("tokenizer.ggml.token_type", types),
    ] + roles.map { .uint32("tokenizer.ggml.\($0)_token_id", $1) } + others
  }

  @Test(
    "the files say what the keys say: entries, merges, special tokens, what stands around a text",
    arguments: [
      keys(
        "gpt2", ["a", "b", "c", "ab", "abc", "<|begin|>"], [1, 1, 1, 1, 1, 3], [("bos", 5)],
        [.strings("tokenizer.ggml.merges", ["a b"])]),
      keys(
        "gpt2", ["a", "b", "c", "ab", "abc", "<|begin|>"], [1, 1, 1, 1, 1, 3], [("bos", 5)],
        [
          .string("tokenizer.ggml.pre", "llama-bpe"),
          .strings("tokenizer.ggml.merges", ["a b"]),
        ]),
      keys(
        "llama", ["<unk>", "<s>", "</s>", "\u{2581}", "a", "b", "ab", "\u{2581}ab", "c"],
        [2, 3, 3, 1, 1, 1, 1, 1, 1], [("bos", 1), ("eos", 2), ("unknown", 0)],
        [
          .floats("tokenizer.ggml.scores", [0, 0, 0, -4, -5, -6, -2, -1, -7]),
          .bool("tokenizer.ggml.add_eos_token", true),
        ]),
      keys(
        "bert", ["[UNK]", "[CLS]", "[SEP]", "\u{2581}ab", "ab", "\u{2581}c"], [3, 3, 3, 1, 1, 1],
        [("unknown", 0), ("cls", 1), ("seperator", 2)]),
    ])
  func roundTrip(_ keys: [GGUFKeyValue]) throws {
    let original = try tokenizer(keys)
    let read = try #require(try TokenizerLoader.load(beside: write(original, to: "out")))
    for text in ["abc", "ab ab", " cab", "aab  c", "", "ab<|begin|>abc"] {
      #expect(read.encodeForModel(text) == original.encodeForModel(text), "\(text)")
      #expect(read.decode(read.encode(text)) == original.decode(original.encode(text)), "\(text)")
    }
    #expect(read.special.bos == original.special.bos)
    #expect(read.vocabularySize == original.vocabularySize)
  }

  /// The keys of a SentencePiece vocabulary of these pieces, those before others merged first.
  private static func pieces(_ pieces: [String]) -> [GGUFKeyValue] {
    let tokens = ["<unk>", "<s>", "</s>"] + pieces
    return keys(
      "llama", tokens, [2, 3, 3] + pieces.map { _ in 1 }, [("unknown", 0)],
      [
        .floats("tokenizer.ggml.scores", tokens.indices.map { -Float($0) }),
        .bool("tokenizer.ggml.add_space_prefix", false),
      ])
  }

  @Test("pieces of more than 100,000 letters merge like any others, and cost what their bytes do")
  func longPieces() throws {
    let powers = (0...17).map { String(repeating: "a", count: 1 << $0) }
    // Neither their lengths nor their first letters tell them from one another.
    let others = "bcdefghijklmnopqrstu".map { String(repeating: "a", count: 20_000) + String($0) }
    let original = try tokenizer(Self.pieces(powers + others))
    let read = try #require(try TokenizerLoader.load(beside: write(original, to: "out")))
    let text = powers[17] + powers[16] + powers[0]
    for tokenizer in [original, read] { #expect(tokenizer.encode(text) == [20, 19, 3]) }
  }

  @Test("merges that fill more than any in use are refused")
  func manyMerges() throws {
    let runs = (1...1000).map { String(repeating: "a", count: $0) }
    let original = try tokenizer(Self.pieces(runs))
    let error = #expect(throws: FormatError.self) {
      try TokenizerFiles(original, file: "model")
    }
    #expect(error?.kind == .unsupported)
    #expect(error?.description.hasPrefix("model: tokenizer: expected merges of at most ") == true)
  }

  /// Prints for each text of a list the ids that transformers gives it, without and with what it
  /// puts around a text, and what it makes of the ids.
  private static let judge = """
    import json, os, sys
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    for text in json.load(open(sys.argv[2])):
        ids = tokenizer.encode(text, add_special_tokens=False)
        print("ids", json.dumps([ids, tokenizer.encode(text), tokenizer.decode(ids)]))
    """

  @Test(
    "transformers gives the ids that llama.cpp gives for all 47 strings", .needsSharedFolder,
    .needsPython(with: "transformers"), arguments: ["gpt-2", "llama-spm", "bert-bge"])
  func transformers(_ name: String) throws {
    let cases = try TokenizerVectors.cases(name)
    try check(name, cases.map(\.text), ids: cases.map(\.ids), decodes: name != "bert-bge")
  }

  @Test(
    "transformers gives more than 200 odd strings the ids that we do", .needsSharedFolder,
    .needsPython(with: "transformers"),
    arguments: ["gpt-2", "starcoder", "llama-spm", "phi-3", "bert-bge"])
  func oddStrings(_ name: String) throws {
    let golden = try JSONValue(
      parsing: readBytes(at: Fixtures.path("golden/pretokenization.json")))
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    #expect(texts.count > 200)
    try check(name, texts)
  }

  @Test(
    "a unigram vocabulary's files give the ids of the vocabulary, by transformers and by us",
    .needsPython(with: "transformers"),
    arguments: ["sentencepiece-unigram", "sentencepiece-unigram-bytes"])
  func unigram(_ name: String) throws {
    let golden = try JSONValue(
      parsing: readBytes(at: Fixtures.path("golden/tokenizer-gguf.json")))
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    #expect(texts.count > 200)
    let path = Fixtures.path("tokenizers/\(name).gguf")
    try check(path: path, texts)
    let (original, read) = (
      try #require(try TokenizerLoader.load(from: GGUFFile(at: path))),
      try #require(try TokenizerLoader.load(beside: directory.path("out")))
    )
    for text in texts {
      #expect(read.encodeForModel(text) == original.encodeForModel(text), "\(text)")
      #expect(read.decode(read.encode(text)) == original.decode(original.encode(text)), "\(text)")
    }
    #expect(read.special == original.special && read.vocabularySize == original.vocabularySize)
  }

  /// Compares transformers with our reader of a vocabulary, and with ids that are known.
  private func check(
    _ name: String, _ cases: [String], ids: [[Int32]]? = nil, decodes: Bool = false
  ) throws {
    let gguf = SharedFolder.path("tokenizers/ggml-vocab/ggml-vocab-\(name).gguf")
    try check(path: gguf, cases, ids: ids, decodes: decodes)
  }

  private func check(
    path gguf: String, _ cases: [String], ids: [[Int32]]? = nil, decodes: Bool = false
  ) throws {
    let file = try GGUFFile(at: gguf)
    let original = try #require(try TokenizerLoader.load(from: file))
    let folder = try write(original, of: file, to: "out")
    let texts = try directory.write(
      JSONValue.array(cases.map { .string($0) }).text, to: "texts.json")
    let outcome = try Python.run(Self.judge, [folder, texts])
    let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("ids ") }
    #expect(lines.count == cases.count, "\(outcome.output.suffix(2000))")
    for (index, (line, text)) in zip(lines, cases).enumerated() {
      let found = try JSONValue(parsing: Array(line.dropFirst(4).utf8))
      func numbers(_ index: Int) -> [Int32] {
        found.array?[index].array?.compactMap(\.integer).map(Int32.init) ?? []
      }
      #expect(numbers(0) == original.encode(text), "\(text.debugDescription)")
      if let ids { #expect(numbers(0) == ids[index], "\(text.debugDescription)") }
      #expect(numbers(1) == original.encodeForModel(text), "\(text.debugDescription)")
      if decodes { #expect(found.array?[2].string == text) }
    }
  }
}
