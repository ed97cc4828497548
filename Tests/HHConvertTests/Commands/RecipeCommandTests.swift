// Recipes on the command line.

import Foundation
import HHFormat
import HHPipeline
import HHTestSupport
import Testing

@Suite("Recipe command")
struct RecipeCommandTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("recipe list names every recipe, and recipe print writes its defaults out")
  func shows() throws {
    let list = try Tool.run("recipe", "list", in: bench.folder)
    #expect(list.status == 0)
    #expect(
      list.lines.map { $0.prefix { $0 != " " } }
        == [
          "hybrid", "hedgehog", "gpt2-wikitext", "bert-classifier", "bert-glue", "vit",
          "llama-lora",
          "lolcats",
        ])
    let yaml = try Tool.run("recipe", "print", in: bench.folder)
    #expect(yaml.status == 0)
    for line in ["seed: 0", "- stage: rewrite", "  steps: 100", "  batch: 8"] {
      #expect(yaml.lines.contains(line), "\(yaml.output)")
    }
    let json = try Tool.run("recipe", "print", "lolcats", "--json", in: bench.folder)
    #expect(try parse(json.output)["stages"]?.array?.count == 4)
    // What is printed can be used.
    try bench.folder.write(yaml.output, to: "r.yaml")
    let again = try Tool.run("recipe", "print", "r.yaml", in: bench.folder)
    #expect(again.output == yaml.output)
  }

  @Test("a conversion by a recipe is that by flags, and flags come on top")
  func converts() throws {
    try bench.folder.write(
      """
      model: models/gpt2
      data: data/corpus.txt
      length: 32
      seed: 5
      stages:
        - stage: rewrite
        - {stage: distil, steps: 900, batch: 4, learning_rate: 0.02}
      """, to: "r.yaml")
    let flags = [
      "models/gpt2", "--recipe", "hedgehog", "--data", "data/corpus.txt", "--length", "32",
      "--seed", "5", "--steps", "4", "--batch", "4", "--lr", "0.02",
    ]
    let byFlags = try Tool.run(flags + ["-q", "-o", "a"], in: bench.folder)
    #expect(byFlags.status == 0, "\(byFlags)")
    let byRecipe = try Tool.run(
      "convert", "--recipe", "r.yaml", "--steps", "4", "-q", "-o", "b", in: bench.folder)
    #expect(byRecipe.status == 0, "\(byRecipe)")
    #expect(try bench.bytes("a") == bench.bytes("b"))
    let batch = try Tool.run(
      "batch", "models/gpt2", "--recipe", "r.yaml", "--steps", "4", "-q", "-o", "out",
      in: bench.folder)
    #expect(batch.status == 0, "\(batch)")
    #expect(try bench.bytes("a") == bench.bytes("out/gpt2.hedgehog.safetensors.zst"))
  }

  @Test(
    "a shipped recipe runs whole, and what it measures is in events and artifact",
    arguments: [
      (
        "gpt2-wikitext", "gpt2", ["--length", "64", "--data", "data/held-out.txt"],
        "perplexity"
      ), ("vit", "vit", ["--data", "data/shapes/t10k-images-idx3-ubyte"], "accuracy"),
      ("llama-lora", "llama", ["--length", "32", "--data", "short.txt"], "perplexity"),
      ("lolcats", "llama", ["--length", "32", "--data", "short.txt"], "perplexity"),
    ])
  func shipped(_ recipe: String, model: String, options: [String], figure: String) throws {
    let text = try String(contentsOfFile: Fixtures.path("data/held-out.txt"), encoding: .utf8)
    try bench.folder.write(String(text.prefix(4000)), to: "short.txt")
    let outcome = try Tool.run(
      ["models/\(model)", "--recipe", recipe, "--json", "-o", "out"] + options, in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let events = try outcome.lines.map(parse)
    let evaluated = try #require(events.first { $0["event"]?.string == "evaluated" })
    let found = try #require(
      evaluated["figures"]?.array?.first { $0["name"]?.string == figure }?["value"]?.double)
    let stages = try ArtifactReader(at: bench.folder.path("out")).manifest.description.stages
    // The last is what every conversion measures.
    #expect(stages.map(\.name) == ["distil", "finetune", "evaluate", "evaluate"])
    #expect(stages[2].qualities[figure]?.double == found)
    #expect(stages[2].qualities["softmax \(figure)"]?.double != nil)
  }

  @Test("a measurement can have a length of its own")
  func evaluationLength() throws {
    try bench.folder.write(
      """
      data: data/corpus.txt
      length: 32
      stages:
        - stage: rewrite
        - {stage: distil, steps: 2}
        - {stage: evaluate, task: lm, data: data/held-out.txt, length: 16, rows: 4}
      """, to: "r.yaml")
    let outcome = try Tool.run(
      "models/gpt2", "--recipe", "r.yaml", "--json", "-o", "out", in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let evaluated = try #require(
      outcome.lines.map(parse).first { $0["event"]?.string == "evaluated" })
    let alone = try Tool.run(
      "eval", "out", "--task", "lm", "--data", "data/held-out.txt", "--length", "16", "--rows",
      "4", "--json", in: bench.folder)
    let figures = try parse(alone.output)["figures"]?.array
    #expect(figures?.first?["value"] != nil)
    #expect(evaluated["figures"]?.array?.first?["value"] == figures?.first?["value"])
  }

  @Test("recipes that cannot be followed")
  func errors() throws {
    try bench.folder.write("stages: [{stage: rewrite}, {stage: distil, stpes: 1}]", to: "odd.yaml")
    try bench.folder.write("seed: 1", to: "nothing.yaml")
    try bench.folder.write("run: here", to: "run.yaml")
    try bench.folder.write("stages:\n  - stage: rewrite\n    window: 4", to: "window.yaml")
    try bench.folder.write(
      "stages: [{stage: rewrite}, {stage: distil, precision: float16}]", to: "half.yaml")
    try bench.folder.write(
      "stages: [{stage: rewrite}, {stage: evaluate, task: sts}]", to: "sts.yaml")
    try bench.folder.write(
      "stages: [{stage: rewrite}, {stage: evaluate, task: lm, length: 8}]", to: "long.yaml")
    for (arguments, status, message) in [
      (
        ["models/gpt2", "--recipe", "odd.yaml"], 65,
        "odd.yaml: line 1: key 'stages[1].stpes': unknown: "
      ),
      (["models/gpt2", "--recipe", "odd.yaml"], 65, "hint: did you mean 'steps'?"),
      (
        ["models/bert", "--recipe", "window.yaml"], 64,
        "window.yaml: line 3: key 'stages[0].window': expected a decoder"
      ),
      (
        ["models/bert", "--recipe", "window.yaml", "--window", "8"], 64,
        "--window: expected a decoder"
      ),
      (
        ["models/gpt2", "--recipe", "hedgehog", "--sinks", "2"], 64,
        "--sinks: expected a window beside the sinks, found none"
      ),
      (
        ["models/gpt2", "--recipe", "half.yaml"], 65,
        "key 'stages[1].precision': expected 'float32', 'bfloat16' or 'auto'"
      ),
      (
        ["models/gpt2", "--recipe", "vit"], 64,
        "the task 'classification' does not measure the rows of this gpt2: expected 'data'"
      ),
      (
        ["models/gpt2", "--recipe", "gpt2-wikitext", "--stages", "rewrite"], 64,
        "--stages: expected 'rewrite,distil' for the recipe's evaluations"
      ),
      (
        ["batch", "models/gpt2", "--recipe", "run.yaml"], 64, "--recipe: expected none with a 'run'"
      ),
      (["models/bert", "--recipe", "sts.yaml"], 64, "the task 'sts' does not measure the rows"),
      (["models/gpt2", "--recipe", "vti"], 66, "hint: did you mean 'vit'?"),
      (["convert", "--recipe", "nothing.yaml"], 65, "key 'model': expected a model here or on"),
      (
        ["models/gpt2", "--recipe", "long.yaml"], 64,
        "evaluate: expected texts or tokens as 'data' beside a 'length', found none"
      ),
      (["convert"], 64, "Missing expected argument '<model>'"),
      (["recipe", "print", "odd.yaml"], 65, "key 'stages[1].stpes'"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(arguments, in: bench.folder)
      #expect(outcome.status == status, "\(arguments) \(outcome)")
      expectError(outcome, message)
    }
    #expect(
      try bench.contents == [
        "half.yaml", "long.yaml", "nothing.yaml", "odd.yaml", "run.yaml", "sts.yaml",
        "window.yaml",
      ])
  }
}
