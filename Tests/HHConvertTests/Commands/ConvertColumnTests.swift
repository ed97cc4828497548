// Which column of a table a conversion learns from.

import HHTestSupport
import Testing

@Suite("Convert --column")
struct ConvertColumnTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("--column names the key of JSON lines that is learnt from, and a recipe does too")
  func column() throws {
    try bench.columns("body", of: "corpus.txt", to: "rows.jsonl")
    let arguments = [
      "models/gpt2", "--window", "8", "--sinks", "2", "--steps", "2", "--length", "16", "--data",
      "rows.jsonl", "-q",
    ]
    // A recipe's other settings are plain, whatever a conversion does without one.
    let plain = arguments + ["--recipe", "hedgehog"]
    let named = try Tool.run(plain + ["--column", "body", "-o", "a"], in: bench.folder)
    #expect(named.status == 0, "\(named)")
    try bench.folder.write("columns: [body]", to: "r.yaml")
    let recipe = try Tool.run(arguments + ["--recipe", "r.yaml", "-o", "b"], in: bench.folder)
    #expect(recipe.status == 0, "\(recipe)")
    #expect(try bench.bytes("a") == bench.bytes("b"))
    let unnamed = try Tool.run(arguments + ["-o", "c"], in: bench.folder)
    #expect(unnamed.status == 65)
    expectError(unnamed, "hint: rename the columns, or name them: --column NAME")
    for (more, status, message) in [
      (["--data", "rows.jsonl", "--column", "text"], 65, "expected the column 'text' that"),
      (["--data", "data/corpus.txt", "--column", "body"], 65, "expected rows with columns for"),
      (["--column", "body"], 64, "--column"),
      (["--stages", "rewrite", "--column", "body"], 64, "--column: expected a distillation"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(["models/gpt2", "-o", "d"] + more, in: bench.folder)
      #expect(outcome.status == status, "\(outcome)")
      expectError(outcome, message)
    }
    let images = try Tool.run(
      "models/vit", "--data", "data/shapes/train-images-idx3-ubyte", "--column", "a", "-o", "d",
      in: bench.folder)
    #expect(images.status == 65)
    expectError(images, "for --column (.tsv, .csv, .json, .jsonl), found images")
    #expect(try bench.contents == ["a", "b", "r.yaml", "rows.jsonl"])
  }
}
