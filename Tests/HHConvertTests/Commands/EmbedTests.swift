// Vectors and classes from the command line.

import HHFormat
import HHTestSupport
import Testing

@Suite("Embed and classify")
struct EmbedTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a converted encoder embeds lines of a file, as JSON or as an array")
  func embed() throws {
    #expect(try Tool.run(Bench.short("bert") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    try bench.folder.write("the cat\na dog\twalks home\n", to: "texts.txt")
    let json = try Tool.run("embed", "out", "--texts", "texts.txt", in: bench.folder)
    #expect(json.status == 0)
    let second = try parse(try #require(json.lines.last))
    #expect(second["index"]?.integer == 1)
    #expect(second["text"]?.string == "a dog\twalks home")
    #expect(second["embedding"]?.array?.count == 64)
    let arguments = ["embed", "out", "--texts", "texts.txt", "-o", "x.npy"]
    #expect(try Tool.run(arguments, in: bench.folder).status == 0)
    #expect(try bench.bytes("x.npy").count == 128 + 4 * 2 * 64)
    #expect(try Tool.run(arguments, in: bench.folder).status == 73)
  }

  @Test("errors of a file of texts name the file and the line; its byte order mark is no text")
  func texts() throws {
    try bench.folder.write("\u{FEFF}the cat\r\n", to: "texts.txt")
    let marked = try Tool.run("embed", "models/bert", "--texts", "texts.txt", in: bench.folder)
    #expect(try parse(try #require(marked.lines.first))["text"]?.string == "the cat")
    try bench.folder.write("the cat\n\na dog\n", to: "texts.txt")
    let empty = try Tool.run("embed", "models/bert", "--texts", "texts.txt", in: bench.folder)
    #expect(empty.status == 65)
    expectError(empty, "error: texts.txt: line 2: expected a text, found none")
    try bench.folder.write("the cat", to: "texts.txt")
    let image = try Tool.run("embed", "models/vit", "--texts", "texts.txt", in: bench.folder)
    #expect(image.status == 64)
    expectError(image, "--texts: ")
  }

  @Test("neither the texts nor the model's files are overwritten")
  func inputs() throws {
    try ModelCopy("bert").write(to: "own", in: bench.folder)
    for name in ["tokenizer.json", "tokenizer_config.json", "vocab.txt"] {
      try bench.folder.write([UInt8](bench.bytes("models/bert/\(name)")), to: "own/\(name)")
    }
    try bench.folder.write("the cat\n", to: "texts.txt")
    let before = try bench.bytes("own/model.safetensors")
    for output in ["texts.txt", "own/model.safetensors", "own/vocab.txt"] {
      let outcome = try Tool.run(
        "embed", "own", "--texts", "texts.txt", "-o", output, "--force", in: bench.folder)
      #expect(outcome.status == 73)
      expectError(
        outcome, "error: \(output): expected another name than the inputs', found that of")
    }
    #expect(try bench.bytes("own/model.safetensors") == before)
    #expect(try bench.contents == ["own", "texts.txt"])
  }

  @Test("a vision model says what images show")
  func classify() throws {
    let outcome = try Tool.run(
      "classify", "models/vit", "--images", "data/shapes/t10k-images-idx3-ubyte", "--top", "2",
      "--json", in: bench.folder)
    #expect(outcome.status == 0)
    let first = try parse(try #require(outcome.lines.first))
    #expect(first["classes"]?.array?.count == 2)
    #expect(first["classes"]?.array?.first?["label"]?.string == "disc")
  }

  @Test(
    "what cannot be run is refused",
    arguments: [
      (["classify", "models/gpt2", "-t", "a"], 69, "expected a model with a classifier"),
      (["embed", "models/bert"], 64, "expected one of --text, --texts and --images"),
      (["embed", "models/bert", "-t", ""], 64, "expected a text, found an empty one, number 1"),
      (["embed", "models/vit", "-t", "a"], 64, "--text: expected images, which this model takes"),
      (
        ["embed", "models/vit", "--images", "x.npy", "--length", "8"], 64,
        "--length: expected none: an image has 17 positions, found 8"
      ),
      (["embed", "models/bert", "--images", "x.npy"], 64, "expected texts"),
      (["embed", "models/bert", "-t", "a", "--pooling", "max"], 64, "expected one of mean, first"),
      (["embed", "models/bert", "--texts", "none.txt"], 66, "none.txt: "),
      (["classify", "models/vit", "--images", "x", "--top", "0"], 64, "--top: expected 1 to"),
    ])
  func refused(_ arguments: [String], _ status: Int, _ problem: String) throws {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == Int32(status))
    #expect(outcome.errors.contains(problem), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }
}
