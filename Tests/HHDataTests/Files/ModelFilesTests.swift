// The small files beside a model: in its folder, in its artifact, or said by GGUF metadata.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData

@Suite("ModelFiles")
struct ModelFilesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("the files of a folder are read from it, without a byte order mark where they are text")
  func folder() throws {
    try directory.write("\u{FEFF}a\nb", to: "vocab.txt")
    try directory.write(#"{"size": 4}"#, to: "preprocessor_config.json")
    let files = ModelFiles(in: directory.path)
    #expect(files.holds("vocab.txt") && !files.holds("merges.txt") && files.gguf == nil)
    #expect(files.path("vocab.txt") == directory.path("vocab.txt"))
    #expect(try files.bytes("vocab.txt").count == 6)
    #expect(try files.text("vocab.txt") == "a\nb")
    #expect(try files.object("preprocessor_config.json")["size"]?.integer == 4)
    let missing = #expect(throws: FormatError.self) { try files.bytes("merges.txt") }
    #expect(missing?.kind == .missingInput)
  }

  @Test("bytes that are not UTF-8 are no text, and a text that is no object no JSON")
  func damaged() throws {
    let path = try directory.write([0x61, 0xFF], to: "vocab.txt")
    let files = ModelFiles(in: directory.path)
    let error = #expect(throws: FormatError.self) { try files.text("vocab.txt") }
    #expect(error?.kind == .badData && error?.file == path)
    #expect(throws: FormatError.self) { try files.object("vocab.txt") }
  }

  @Test("a link out of the folder is not followed")
  func link() throws {
    let other = try TemporaryDirectory()
    try directory.link("vocab.txt", to: try other.write("a\n", to: "secret"))
    let files = ModelFiles(in: directory.path)
    #expect(files.holds("vocab.txt"))
    for read in [
      { _ = try files.bytes("vocab.txt") }, { _ = try files.text("vocab.txt") },
      { _ = try files.object("vocab.txt") },
    ] {
      let error = try #require(throws: FormatError.self) { try read() }
      #expect(error.problem.hasPrefix("expected a file of the model's folder, found a link to"))
    }
  }

  @Test("an artifact carries its files, and says so of one that it has not")
  func artifact() throws {
    let path = directory.path("a.hedgehog.safetensors.zst")
    let tokenizer = try readBytes(at: Fixtures.path("models/gpt2/tokenizer.json"))
    let carried = SidecarFile(name: "tokenizer.json", content: tokenizer)
    try Artifacts.write("gpt2-base", to: path, files: [carried])
    let files = try ModelFiles(of: Checkpoint(opening: path))
    #expect(files.holds("tokenizer.json") && !files.holds("vocab.txt") && files.gguf == nil)
    #expect(files.path("tokenizer.json") == path + "/tokenizer.json")
    #expect(try files.bytes("tokenizer.json") == tokenizer)
    #expect(try files.object("tokenizer.json")["model"] != nil)
    #expect(
      throws: FormatError(
        .missingInput, file: path, problem: "expected the file 'vocab.txt', found none")
    ) { try files.bytes("vocab.txt") }
  }

  @Test("GGUF metadata stands in for files: of a GGUF model, and of what was written from one")
  func metadata() throws {
    let folder = try ModelCopy("gpt2").write(to: "m", in: directory)
    #expect(try ModelFiles(of: Checkpoint(opening: folder)).gguf == nil)
    try directory.write(
      #"{"metadata":{"tokenizer.ggml.model":{"type":"string","value":"gpt2"}}}"#,
      to: "m/" + SidecarRules.ggufName)
    let files = try ModelFiles(of: Checkpoint(opening: folder))
    #expect(try files.gguf?.value("tokenizer.ggml.model")?.string == "gpt2")
  }
}
