// hh-convert train: new models on the command line.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Train")
struct TrainTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private func recipe(
    _ name: String, architecture: String = "gpt2", sizes: String = "positions: 64",
    rewrite: Bool = true, steps: Int = 12, data: String = "data/corpus.txt"
  ) throws -> String {
    try bench.folder.write(
      """
      model:
        architecture: \(architecture)
        layers: 2
        hidden: 32
        heads: 2
        \(sizes)
        files: models/\(architecture)
      data: \(data)
      checkpoint_steps: 5
      stages:
      \(rewrite ? "  - stage: rewrite" : "")
        - {stage: train, steps: \(steps), batch: 4, learning_rate: 0.003, warm_up: 2}
      """, to: "\(name).yaml")
    return "\(name).yaml"
  }

  @Test(
    "every architecture learns, and the artifact is an ordinary one",
    arguments: [
      ("gpt2", "positions: 64", "next-token"), ("llama", "positions: 64", "next-token"),
      ("bert", "positions: 64", "masked-tokens"), ("vit", "", "classes"),
    ])
  func trains(architecture: String, sizes: String, objective: String) throws {
    let isImage = architecture == "vit"
    let recipe = try recipe(
      "r", architecture: architecture, sizes: isImage ? "image: 16\n  classes: 8" : sizes,
      steps: isImage ? 150 : 12,
      data: isImage ? "data/shapes/train-images-idx3-ubyte" : "data/corpus.txt")
    let outcome = try Tool.run("train", recipe, "--json", in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let events = try outcome.lines.map(parse)
    let trained = try #require(events.first { $0["event"]?.string == "finetuned" })
    #expect(trained["objective"]?.string == objective)
    let before = try #require(trained["loss_before"]?.double)
    #expect(try #require(trained["loss_after"]?.double) < before)
    let output = "r.hedgehog.safetensors.zst"
    #expect(try bench.contents == [recipe, output, "\(output).run"])
    #expect(try Tool.run("verify", "-q", output, in: bench.folder).status == 0)
    let stages = try ArtifactReader(at: bench.folder.path(output)).manifest.description.stages
    #expect(stages.map(\.name) == ["train"])
    #expect(
      try Tool.run("export", output, "--to", "hf", "-q", in: bench.folder).status == 0)
    // There was no softmax to replace.
    let card = try String(
      contentsOfFile: bench.folder.path("r-hedgehog-hf/README.md"), encoding: .utf8)
    #expect(card.contains("trained together, without a teacher"), "\(card)")
    #expect(!card.contains("replaced") && !card.contains("the source"), "\(card)")
    let positions = isImage ? 150 * 4 * 17 : 12 * 4 * 64
    #expect(
      card.contains(
        ", \(positions / 1000),\("\(positions % 1000 + 1000)".dropFirst()) positions in all"),
      "\(card)")
  }

  @Test("a model that keeps its softmax is a folder that everything reads")
  func softmax() throws {
    let recipe = try recipe("s", rewrite: false)
    let outcome = try Tool.run("train", recipe, "-q", in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try Tool.run("verify", "-q", "s", in: bench.folder).status == 0)
    let converted = try Tool.run(
      "s", "--data", "data/corpus.txt", "--length", "16", "--steps", "2", "-q", in: bench.folder)
    #expect(converted.status == 0, "\(converted)")
    let again = try Tool.run("resume", "s.run", in: bench.folder)
    #expect(again.status == 0 && again.output.contains("done already"))
    let taken = try Tool.run("train", recipe, "--run", "other", in: bench.folder)
    #expect(taken.status == 73)
    #expect(try !bench.contents.contains("other"))
    let forced = try Tool.run(
      "train", recipe, "--run", "other", "--force", "-q", in: bench.folder)
    #expect(forced.status == 0, "\(forced)")
  }

  @Test("training that is killed goes on to the same bytes", arguments: [true, false])
  func resumes(rewrite: Bool) throws {
    let recipe = try recipe("r", rewrite: rewrite, steps: 40)
    let weights = rewrite ? "" : "/model.safetensors"
    #expect(try Tool.run("train", recipe, "-o", "a", "-q", in: bench.folder).status == 0)
    let killed = try Tool.run(
      ["train", recipe, "-o", "b"], in: bench.folder, until: "\"step\":20,", then: SIGKILL)
    #expect(killed.status == 128 + SIGKILL)
    let resumed = try Tool.run("resume", "b.run", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try bench.bytes("a\(weights)") == bench.bytes("b\(weights)"))
  }

  /// A file of sentences of two kinds.
  private func sentences(_ count: Int, to name: String) throws {
    let lines = (0..<count).map { $0.isMultiple(of: 2) ? "the cat sat\t1" : "a dog ran\t0" }
    try bench.folder.write((["sentence\tlabel"] + lines).joined(separator: "\n") + "\n", to: name)
  }

  @Test("a checkpoint gets a classifier, learns with softmax, and converts; a killed run goes on")
  func classifier() throws {
    try sentences(60, to: "train.tsv")
    try sentences(20, to: "dev.tsv")
    try bench.folder.write(
      """
      length: 16
      checkpoint_steps: 5
      stages:
        - {stage: train, classes: 2, steps: 30, batch: 8, learning_rate: 0.001}
        - {stage: evaluate, task: glue}
      """, to: "t.yaml")
    let arguments = [
      "train", "t.yaml", "--model", "models/bert", "--data", "train.tsv", "--held-out", "dev.tsv",
    ]
    let outcome = try Tool.run(arguments + ["--json"], in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let events = try outcome.lines.map(parse)
    let figures = try #require(events.first { $0["event"]?.string == "evaluated" }?["figures"])
    let accuracy = try #require(figures.array?.first)
    #expect(accuracy["name"]?.string == "accuracy" && accuracy["value"]?.double == 1)
    #expect(accuracy["teacher"] == nil)
    let killed = try Tool.run(
      arguments + ["-o", "b"], in: bench.folder, until: "\"step\":20,", then: SIGKILL)
    #expect(killed.status == 128 + SIGKILL)
    #expect(try Tool.run("resume", "b.run", "-q", in: bench.folder).status == 0)
    #expect(try bench.bytes("t/model.safetensors") == bench.bytes("b/model.safetensors"))
    let converted = try Tool.run(
      "t", "--data", "train.tsv", "--held-out", "dev.tsv", "--length", "16", "--steps", "20", "-q",
      "-o", "out", in: bench.folder)
    #expect(converted.status == 0, "\(converted)")
    let measured = try Tool.run(
      "eval", "out", "--task", "glue", "--data", "dev.tsv", "--json", in: bench.folder)
    #expect(measured.status == 0, "\(measured)")
    let shipped = try Tool.run(
      "train", "bert-classifier", "--model", "models/bert", "--data", "train.tsv", "-q", "-o", "c",
      in: bench.folder)
    #expect(shipped.status == 0, "\(shipped)")
  }

  @Test("a checkpoint that is trained further keeps its heads, and its softmax unless rewritten")
  func further() throws {
    for rewrite in [false, true] {
      try bench.folder.write(
        """
        model: models/gpt2
        data: data/corpus.txt
        length: 32
        stages:
        \(rewrite ? "  - stage: rewrite" : "")
          - {stage: train, steps: 5, batch: 4, learning_rate: 0.0001}
        """, to: "f.yaml")
      let outcome = try Tool.run("train", "f.yaml", "-o", "f\(rewrite)", "-q", in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(try Tool.run("verify", "-q", "f\(rewrite)", in: bench.folder).status == 0)
    }
    #expect(try !directoryEntries(of: bench.folder.path("ffalse.run")).contains("untrained"))
    let difference = try Tool.run("diff", "models/gpt2", "ffalse", in: bench.folder)
    #expect(difference.status == 3, "\(difference)")
  }

  @Test("neither the model, with a new classifier or without, nor a file is replaced by a folder")
  func outputs() throws {
    try ModelCopy("bert").write(to: "own", in: bench.folder)
    try sentences(40, to: "s.tsv")
    for settings in ["", "classes: 2, "] {
      try bench.folder.write(
        """
        model: own
        data: s.tsv
        length: 16
        stages: [{stage: train, \(settings)steps: 2, batch: 4}]
        """, to: "t.yaml")
      for (output, message) in [
        ("own", "own: expected another name than the inputs', found that of"),
        ("s.tsv", "s.tsv: expected a folder to replace, found a file"),
        ("t.yaml", "t.yaml: expected another name than the inputs'"),
      ] {
        let outcome = try Tool.run(
          "train", "t.yaml", "-o", output, "--force", in: bench.folder)
        #expect(outcome.status == 73)
        expectError(outcome, message)
        #expect(try bench.contents == ["own", "s.tsv", "t.yaml"])
      }
    }
    #expect(try Tool.run("verify", "-q", "own", in: bench.folder).status == 0)
  }

  @Test("a GGUF model is trained further, or gets a classifier, and keeps its tokenizer")
  func gguf() throws {
    for model in ["gpt2", "llama", "bert"] {
      let exported = try Tool.run(
        "export", "models/\(model)", "--to", "gguf", "--drop-head", "-q", "-o", "\(model).gguf",
        in: bench.folder)
      #expect(exported.status == 0, "\(exported)")
    }
    let short = ["--length", "16", "--steps", "2", "-q"]
    for model in ["gpt2", "llama"] {
      try bench.folder.write(
        """
        model: \(model).gguf
        data: data/corpus.txt
        length: 16
        stages: [{stage: train, steps: 3, batch: 4}]
        """, to: "g.yaml")
      let trained = try Tool.run("train", "g.yaml", "-q", "-o", "t-\(model)", in: bench.folder)
      #expect(trained.status == 0, "\(trained)")
      // Text is read with the tokenizer that came with the model.
      let converted = try Tool.run(
        ["t-\(model)", "--data", "data/corpus.txt"] + short, in: bench.folder)
      #expect(converted.status == 0, "\(converted)")
    }
    try sentences(40, to: "s.tsv")
    try bench.folder.write(
      """
      model: bert.gguf
      data: s.tsv
      length: 16
      stages: [{stage: train, classes: 2, steps: 10, batch: 4}]
      """, to: "c.yaml")
    let trained = try Tool.run("train", "c.yaml", "-q", "-o", "c", in: bench.folder)
    #expect(trained.status == 0, "\(trained)")
    let converted = try Tool.run(["c", "--data", "s.tsv"] + short, in: bench.folder)
    #expect(converted.status == 0, "\(converted)")
    let outcome = try Tool.run(
      "classify", "c.hedgehog.safetensors.zst", "--text", "the cat sat", in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test("recipes that no model can be trained by leave nothing behind")
  func errors() throws {
    let odd = [
      ("data: d\nstages: [{stage: train}]", "expected a model here or on the command line"),
      (
        "model: {architecture: gpt2}\ndata: d\nstages: [{stage: rewrite}]",
        "expected the stage 'train' for a new model, found none"
      ),
      (
        "model: {architecture: gpt2}\nstages: [{stage: train}]",
        "--data: expected data to learn from, here or in the recipe, found none"
      ),
      (
        "model: {architecture: gpt2}\ndata: d\nstages: [{stage: rewrite}, {stage: distil}]",
        "expected the stage 'train' for a new model, found none"
      ),
      (
        "model: {architecture: gtp2}\ndata: d\nstages: [{stage: train}]", "did you mean 'gpt2'?"
      ),
      (
        "model: {architecture: vit}\ndata: d\nstages: [{stage: train}]",
        "expected a number for a vit"
      ),
      (
        "model: {architecture: gpt2, hidden: 30, heads: 4, vocabulary: 9}\ndata: d\n"
          + "stages: [{stage: train}]", "expected a divisor of 'n_embd' 30, found 4"
      ),
      (
        "model: {architecture: gpt2, layers: 1024, hidden: 65536, vocabulary: 9}\ndata: d\n"
          + "stages: [{stage: train}]",
        "key 'model': expected work that fits the machine's"
      ),
      (
        "model: {architecture: gpt2, vocabulary: 9}\ndata: none.npy\nstages: [{stage: train}]",
        "none.npy"
      ),
      (
        "model: models/gpt2\ndata: d\nstages: [{stage: train, classes: 2}]",
        "expected a bert or vit, which can have a classifier, found a gpt2"
      ),
      (
        "model: models/vit\ndata: data/corpus.txt\nstages: [{stage: train}]",
        "corpus.txt: expected images"
      ),
      (
        "model: models/bert\ndata: data/corpus.txt\nlength: 999\nstages: [{stage: train}]",
        "key 'length': expected 2 to 64 (the model's positions), found 999"
      ),
      (
        "model: {architecture: bert, hidden: 32, heads: 2, classes: 2, positions: 64, files: models/bert}\n"
          + "data: data/corpus.txt\nlength: 16\nstages: [{stage: train}]",
        "key 'data': expected rows with labels for the classifier, found none"
      ),
    ]
    for (text, message) in odd {
      try bench.folder.write(text, to: "r.yaml")
      let outcome = try Tool.run("train", "r.yaml", in: bench.folder)
      #expect([64, 65, 66, 69].contains(outcome.status), "\(outcome)")
      expectError(outcome, message)
      #expect(try bench.contents == ["r.yaml"])
    }
    let recipe = try recipe("t")
    let converted = try Tool.run("convert", "--recipe", recipe, in: bench.folder)
    #expect(converted.status == 64)
    expectError(converted, "expected one that converts a model, found one for 'train'")
    let steps = try Tool.run("train", recipe, "--steps", "1", in: bench.folder)
    #expect(steps.status == 64)
    expectError(steps, "--steps: expected at least the 2 steps of the recipe's 'warm_up', found 1")
    let path = try Tool.run("train", "vit", in: bench.folder)
    #expect(path.status == 64)
    expectError(path, "vit: expected the stage 'train', found none")
  }

  @Test("--tokenizer is used in place of the model's, kept by the run, and goes along")
  func tokenizer() throws {
    for name in ["config.json", "model.safetensors"] {
      try bench.folder.link("bare/\(name)", to: Fixtures.path("models/gpt2/\(name)"))
    }
    try bench.columns("body", of: "corpus.txt", to: "rows.jsonl")
    try bench.folder.write(
      """
      model: bare
      data: rows.jsonl
      length: 16
      checkpoint_steps: 5
      stages:
        - {stage: train, steps: 40, batch: 4, learning_rate: 0.001}
      """, to: "r.yaml")
    let lacking = try Tool.run("train", "r.yaml", "--column", "body", in: bench.folder)
    #expect(lacking.status == 69)
    expectError(lacking, "the model has no tokenizer, so text cannot be read")
    let arguments = ["train", "r.yaml", "--column", "body", "--tokenizer", "models/gpt2"]
    let whole = try Tool.run(arguments + ["-q", "-o", "a"], in: bench.folder)
    #expect(whole.status == 0, "\(whole)")
    let killed = try Tool.run(
      arguments + ["-o", "b"], in: bench.folder, until: "\"step\":20,", then: SIGKILL)
    #expect(killed.status == 128 + SIGKILL)
    let resumed = try Tool.run("resume", "b.run", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try bench.bytes("a/model.safetensors") == bench.bytes("b/model.safetensors"))
    let written = try Tool.run(
      "generate", "b", "--prompt", "The", "--max-tokens", "2", in: bench.folder)
    #expect(written.status == 0, "\(written)")
  }
}
