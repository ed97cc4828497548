// Vectors and classes from the command line.

import Glibc
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

  /// A Llama with a classifier, and a tokenizer of a few words for it.
  private func decoderClassifier(padding: JSONValue?) throws {
    let source = Fixtures.path("golden/wild/llama-classifier")
    try bench.folder.link("tiny/model.safetensors", to: "\(source)/model.safetensors")
    var configuration = try JSONObject(contentsOf: "\(source)/config.json")
    if let padding { configuration["pad_token_id"] = padding }
    try bench.folder.write(JSONValue.object(configuration).text, to: "tiny/config.json")
    let words = ["<pad>", "[UNK]", "the", "cat", "sat", "a", "dog", "ran"]
    let entries = words.enumerated().map { ($1, JSONValue.integer($0)) }
    let tokenizer: JSONObject = [
      "version": "1.0", "added_tokens": [], "normalizer": .null,
      "pre_tokenizer": ["type": "Whitespace"], "post_processor": .null, "decoder": .null,
      "model": [
        "type": "WordLevel", "vocab": .object(JSONObject(entries)), "unk_token": "[UNK]",
      ],
    ]
    try bench.folder.write(JSONValue.object(tokenizer).text, to: "tiny/tokenizer.json")
  }

  @Test("a decoder's classifier reads each text's last token, before and after a conversion")
  func decoderClassifier() throws {
    try decoderClassifier(padding: nil)
    let texts = ["the cat sat", "a dog", "the"]
    func logits(_ model: String, _ texts: [String]) throws -> [[Double]] {
      let outcome = try Tool.run(
        ["classify", model, "--json", "--top", "3"] + texts.flatMap { ["-t", $0] },
        in: bench.folder)
      try #require(outcome.status == 0, "\(outcome)")
      return try outcome.lines.map { line in
        let classes = try #require(try parse(line)["classes"]?.array)
        return try classes.map { try #require($0["logit"]?.double) }
      }
    }
    let converted = try Tool.run(
      "tiny", "--stages", "rewrite", "-q", "-o", "out", in: bench.folder)
    #expect(converted.status == 0, "\(converted)")
    let exported = try Tool.run(
      "export", "out", "--to", "hf", "-q", "-o", "folder", in: bench.folder)
    #expect(exported.status == 0, "\(exported)")
    let plain = try Tool.run(
      "export", "out", "--to", "hf", "--softmax", "-q", "-o", "plain", in: bench.folder)
    #expect(plain.status == 0, "\(plain)")
    func near(_ a: [[Double]], _ b: [[Double]]) -> Bool {
      a.count == b.count
        && zip(a.joined(), b.joined()).allSatisfy { abs($0 - $1) < 1e-5 }
    }
    for model in ["tiny", "out", "folder", "plain"] {
      // In a batch, padded, the same as alone.
      let together = try logits(model, texts)
      #expect(near(together, try texts.map { try logits(model, [$0])[0] }), "\(model)")
      #expect(near(together, try logits(model == "plain" ? "tiny" : model, texts)))
    }
    #expect(near(try logits("out", texts), try logits("folder", texts)))
    try bench.folder.write(
      "sentence\tlabel\nthe cat sat\t0\na dog\t2\nthe\t1\n", to: "texts.tsv")
    let scored = try Tool.run(
      "eval", "out", "--task", "classification", "--data", "texts.tsv", "--json",
      in: bench.folder)
    #expect(scored.status == 0, "\(scored)")
  }

  @Test("a decoder's classifier without a padding token takes one text at a time, as elsewhere")
  func decoderClassifierWithoutPadding() throws {
    try decoderClassifier(padding: .null)
    let one = try Tool.run("classify", "tiny", "-t", "the cat", in: bench.folder)
    #expect(one.status == 0, "\(one)")
    let two = try Tool.run("classify", "tiny", "-t", "the cat", "-t", "a dog", in: bench.folder)
    #expect(two.status == 69)
    expectError(two, "tiny/config.json: key 'pad_token_id': expected the padding token")
  }

  @Test("where a text may have several labels, each is as likely as its own logit says")
  func severalLabels() throws {
    try decoderClassifier(padding: nil)
    var configuration = try JSONObject(contentsOf: bench.folder.path("tiny/config.json"))
    for problem in ["multi_label_classification", "single_label_classification"] {
      configuration["problem_type"] = .string(problem)
      try bench.folder.write(JSONValue.object(configuration).text, to: "tiny/config.json")
      let outcome = try Tool.run(
        "classify", "tiny", "--json", "--top", "3", "-t", "the cat sat", in: bench.folder)
      let line = try parse(try #require(outcome.lines.first))
      let classes = try #require(line["classes"]?.array)
      let probabilities = classes.compactMap { $0["probability"]?.double }
      #expect(probabilities.count == 3)
      guard problem.hasPrefix("multi") else {
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
        continue
      }
      for (found, entry) in zip(probabilities, classes) {
        let logit = try #require(entry["logit"]?.double)
        #expect(abs(found - 1 / (1 + exp(-logit))) < 1e-5)
      }
    }
  }

  @Test("the padding token -1, which no text has, leaves the last token of each text")
  func decoderClassifierNegativePadding() throws {
    try decoderClassifier(padding: .integer(-1))
    func labels(_ texts: [String]) throws -> [String] {
      let outcome = try Tool.run(
        ["classify", "tiny", "--json", "--top", "3"] + texts.flatMap { ["-t", $0] },
        in: bench.folder)
      try #require(outcome.status == 0, "\(outcome)")
      return try outcome.lines.map { try #require(try parse($0)["classes"]?.text) }
    }
    // The token 0 ends the first text: with -1 it is a token like any other.
    let texts = ["the cat <pad>", "a dog"]
    #expect(try labels(texts).count == 2)
    #expect(try labels([texts[0]]) != labels(["the cat"]))
    let exported = try Tool.run(
      "export", "tiny", "--to", "hf", "--softmax", "-q", "-o", "plain", in: bench.folder)
    #expect(exported.status == 0, "\(exported)")
    let configuration = try JSONObject(contentsOf: bench.folder.path("plain/config.json"))
    #expect(configuration["pad_token_id"] == .integer(-1))
  }

  @Test("a decoder's classifier is kept through GGUF, and cannot be trained or written with")
  func decoderClassifierElsewhere() throws {
    try bench.folder.link("bare", to: Fixtures.path("golden/wild/llama-classifier"))
    let ids: [UInt8] = (0..<2000).flatMap { index -> [UInt8] in [UInt8(3 + index * 7 % 17), 0] }
    try bench.folder.write(ids, to: "ids.bin")
    let distil = ["bare", "--length", "8", "--steps", "2", "--data", "ids.bin"]
    let converted = try Tool.run(distil + ["-q", "-o", "out"], in: bench.folder)
    #expect(converted.status == 0, "\(converted)")
    let exported = try Tool.run(
      "export", "out", "--to", "gguf", "-q", "-o", "out.gguf", in: bench.folder)
    #expect(exported.status == 0, "\(exported)")
    let compared = try Tool.run("diff", "out", "out.gguf", in: bench.folder)
    #expect(compared.output.hasPrefix("equal: "), "\(compared)")
    for (arguments, status, message) in [
      (["bare", "--length", "8", "-o", "a"], 64, "this checkpoint has no language-model head"),
      (
        distil + ["--finetune-steps", "2", "--finetune-loss", "labels", "-o", "a"], 64,
        "--finetune-loss: expected for 'labels' a decoder with a head"
      ),
      (["generate", "bare", "-p", "a"], 69, "with a language-model head, found a decoder with a"),
      (["export", "bare", "--to", "gguf", "-o", "a"], 69, "has names for, found 'score.weight'"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(arguments, in: bench.folder)
      #expect(outcome.status == status, "\(outcome)")
      expectError(outcome, message)
    }
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
