// Figures on the command line, beside the softmax model's.

import HHFormat
import HHTestSupport
import Testing

@Suite("Evaluate")
struct EvaluateTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("an artifact's perplexity stands beside the softmax model's")
  func languageModel() throws {
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    let arguments = [
      "eval", "out", "--task", "lm", "--data", "data/held-out.txt", "--length", "32", "--rows", "8",
    ]
    let text = try Tool.run(arguments, in: bench.folder)
    #expect(text.status == 0)
    #expect(text.lines.first == "8 rows of 32 tokens of data/held-out.txt")
    #expect(text.lines.contains { $0.hasPrefix("perplexity  ") && $0.contains("softmax") })
    let report = try parse(try Tool.run(arguments + ["--json"], in: bench.folder).output)
    let figure = try #require(report["figures"]?.array?.first)
    #expect(figure["name"]?.string == "perplexity")
    let (own, softmax) = (
      try #require(figure["value"]?.double), try #require(figure["softmax"]?.double)
    )
    #expect(own > 1 && softmax > 1)
    #expect(figure["recovered"]?.double == softmax / own)
  }

  @Test("perplexity by position, in words and for programs")
  func byPosition() throws {
    let arguments = [
      "eval", "models/gpt2", "--task", "lm", "--data", "data/held-out.txt", "--length", "8",
      "--rows", "4", "--by-position",
    ]
    let text = try Tool.run(arguments, in: bench.folder)
    #expect(text.status == 0, "\(text)")
    #expect(
      text.lines.suffix(3).map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
        == ["1", "2-3", "4-7"].map { "perplexity after \($0)" })
    let report = try parse(try Tool.run(arguments + ["--json"], in: bench.folder).output)
    let last = try #require(report["figures"]?.array?.last)
    #expect(last["positions"]?.text == "[4,7]")
    let task = try Tool.run(
      "eval", "models/vit", "--task", "classification", "--data",
      "data/shapes/t10k-images-idx3-ubyte", "--by-position", in: bench.folder)
    #expect(task.status == 64)
    expectError(task, "--by-position: expected --task lm beside it, found --task classification")
  }

  @Test("a converted model is measured without a part of its attention")
  func ablation() throws {
    let convert = Bench.short("llama") + ["--window", "4", "-q", "-o", "out"]
    #expect(try Tool.run(convert, in: bench.folder).status == 0)
    func perplexity(_ model: String, _ options: [String]) throws -> Double {
      let arguments = [
        "eval", model, "--task", "lm", "--data", "data/held-out.txt", "--length", "32", "--rows",
        "8", "--json",
      ]
      let report = try parse(try Tool.run(arguments + options, in: bench.folder).output)
      return try #require(report["figures"]?.array?.first?["value"]?.double)
    }
    let whole = try perplexity("out", [])
    let parts = try ["linear", "window", "attention"].map {
      try perplexity("out", ["--ablate", $0])
    }
    #expect(parts[0] != whole && parts[1] > whole)
    #expect(parts[2] > parts[0])
    let cases = [
      (["models/llama", "--ablate", "linear"], "--ablate: expected a converted model"),
      (["out", "--ablate", "all"], "expected one of linear, window, attention, found 'all'"),
    ]
    for (options, problem) in cases {
      let outcome = try Tool.run(
        ["eval"] + options + ["--task", "lm", "--data", "data/held-out.txt"], in: bench.folder)
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains(problem))
    }
  }

  @Test("a softmax model that the examples do not fit is no teacher")
  func teachers() throws {
    try bench.folder.link("golden", to: Fixtures.path("golden/forward"))
    func run(_ model: String, _ teacher: String, _ options: [String]) throws -> Tool.Outcome {
      try Tool.run(
        ["eval", "models/\(model)", "--teacher", teacher, "--rows", "2"] + options,
        in: bench.folder)
    }
    let text = ["--task", "lm", "--data", "data/held-out.txt", "--length", "32"]
    let images = ["--task", "classification", "--data", "data/shapes/t10k-images-idx3-ubyte"]
    for (model, teacher, options, problem) in [
      ("gpt2", "models/llama", text, "expected a gpt2 like the model, found a llama"),
      ("llama", "models/gpt2", text, "expected a llama like the model, found a gpt2"),
      ("gpt2", "models/bert", text, "expected a gpt2 like the model, found a bert"),
      ("gpt2", "golden/gpt2-base", text, "expected 512 token ids like the model, found 48"),
      ("vit", "models/gpt2", images, "expected a vit like the model, found a gpt2"),
      ("vit", "golden/vit-classifier", images, "expected 8 classes like the model, found 5"),
      ("vit", "golden/vit-model", images, "expected 8 classes like the model, found no classifier"),
    ] {
      let outcome = try run(model, teacher, options)
      #expect(outcome.status == 64, "\(outcome)")
      expectError(outcome, "--teacher: expected ")
      #expect(outcome.errors.contains(problem), "\(outcome)")
    }
    let same = try run("gpt2", "models/gpt2", text)
    #expect(same.status == 0 && same.output.contains("(100.0 %)"), "\(same)")
  }

  @Test("a task that is not known or does not fit, and data that is not there")
  func refused() throws {
    let image = try Tool.run(
      "eval", "models/vit", "--task", "lm", "--data", "data/held-out.txt", in: bench.folder)
    #expect(image.status == 64)
    #expect(image.errors.contains("--task: lm needs a decoder"))
    let unknown = try Tool.run(
      "eval", "models/gpt2", "--task", "rouge", "--data", "data/held-out.txt", in: bench.folder)
    #expect(unknown.status == 64)
    #expect(
      unknown.errors.contains(
        "expected one of lm, classification, sts, glue, summarise, recall, found 'rouge'"))
    let length = try Tool.run(
      "eval", "models/vit", "--task", "classification", "--data",
      "data/shapes/t10k-images-idx3-ubyte", "--length", "8", in: bench.folder)
    #expect(length.status == 64)
    expectError(length, "--length: expected none: an image has 17 positions, found 8")
    let missing = try Tool.run(
      "eval", "models/gpt2", "--task", "lm", "--data", "none.txt", in: bench.folder)
    #expect(missing.status == 66)
  }
}
