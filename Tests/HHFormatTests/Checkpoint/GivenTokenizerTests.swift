// A tokenizer in place of a model's own.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GivenTokenizer")
struct GivenTokenizerTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    var forge = FileForge(seed: 4)
    try folder.write(forge.safetensors([("a", .f32, [2])]), to: "model/model.safetensors")
    for (name, text) in [
      ("model/vocab.txt", "old"), ("model/LICENSE", "l"), ("given/tokenizer.json", "new"),
      ("given/tokenizer_config.json", "c"), ("given/README.md", "r"), ("given/config.json", "{}"),
      ("other/notes.txt", "n"), ("gpt/vocab.json", "v"), ("gpt/merges.txt", "m"),
      ("gpt/tokenizer.json", "t"),
    ] { try folder.write(text, to: name) }
  }

  private func files(_ tokenizer: String) throws -> [String: String] {
    let checkpoint = try Checkpoint(
      opening: folder.path("model"), tokenizer: folder.path(tokenizer))
    return Dictionary(
      uniqueKeysWithValues: try SidecarFiles(of: checkpoint).files.map {
        ($0.name, String(decoding: $0.content, as: UTF8.self))
      })
  }

  @Test("a folder or one of its files replaces the model's tokenizer, and nothing else")
  func replacement() throws {
    let expected = ["LICENSE": "l", "tokenizer.json": "new", "tokenizer_config.json": "c"]
    #expect(try files("given") == expected)
    #expect(try files("given/tokenizer.json") == expected)
    #expect(try files("gpt/vocab.json") == ["LICENSE": "l", "vocab.json": "v", "merges.txt": "m"])
  }

  @Test("the tokenizer's files are among those that the model is read from")
  func inputs() throws {
    let checkpoint = try Checkpoint(opening: folder.path("model"), tokenizer: folder.path("given"))
    #expect(checkpoint.hasGivenTokenizer)
    #expect(try checkpoint.inputFiles().contains(folder.path("given/tokenizer.json")))
  }

  @Test(
    "a folder without a tokenizer, a file that is none, and no file at all are refused",
    arguments: ["other", "other/notes.txt", "given/config.json", "none", "none/tokenizer.json"])
  func refusals(path: String) throws {
    #expect(throws: FormatError.self) { try files(path) }
  }

  @Test("of a GGUF model's metadata the tokenizer's keys are left out")
  func metadata() throws {
    let text = """
      {"metadata": {"general.name": {"type": "string", "value": "x"}, \
      "tokenizer.ggml.pre": {"type": "string", "value": "y"}}}
      """
    try folder.write(text, to: "model/gguf.json")
    let kept = try #require(try files("given")["gguf.json"])
    #expect(kept.contains("general.name") && !kept.contains("tokenizer"))
  }
}
