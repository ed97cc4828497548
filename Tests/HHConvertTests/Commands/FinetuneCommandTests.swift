// Finetuning from the command line.

import Foundation
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("Convert with finetuning")
struct FinetuneCommandTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test(
    "every architecture is finetuned, and the artifact says what changed", arguments: architectures)
  func finetunes(_ model: String) throws {
    let outcome = try Tool.run(
      Bench.short(model) + ["--finetune-steps", "3", "--json", "-o", "out"], in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let events = try outcome.lines.map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(stages(of: events) == ["distil", "finetune", "evaluate", "write"])
    let finetuned = try #require(events.first { $0["event"]?.string == "finetuned" })
    #expect(try #require(finetuned["loss_after"]?.double) > 0)
    let artifact = try ArtifactReader(at: bench.folder.path("out"))
    let origins = Set(artifact.manifest.tensors.map(\.origin))
    #expect(origins.contains(.changed) && origins.contains(.new))
    #expect(artifact.manifest.description.stages.map(\.name) == ["distil", "finetune", "evaluate"])
    #expect(try Tool.run("verify", "out", in: bench.folder).status == 0)
    let again = try Tool.run(
      Bench.short(model) + ["--finetune-steps", "3", "-o", "again"], in: bench.folder)
    #expect(again.status == 0)
    #expect(try bench.bytes("out") == bench.bytes("again"))
  }

  @Test(
    "in bfloat16 every architecture is distilled nearly as in float32, the same again every time",
    arguments: architectures)
  func precision(_ model: String) throws {
    var losses: [Double] = []
    for (name, more) in [("a", []), ("b", ["bfloat16"]), ("c", ["bfloat16"])] {
      let outcome = try Tool.run(
        Bench.short(model) + ["--finetune-steps", "3", "--json", "-o", name]
          + more.flatMap { ["--precision", $0] }, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let events = try outcome.lines.map { try JSONValue(parsing: Array($0.utf8)) }
      let plan = try #require(events.first { $0["event"]?.string == "plan" })
      #expect(plan["precision"]?.string == more.first ?? "float32")
      #expect(plan["finetuning"]?["precision"]?.string == more.first ?? "float32")
      let finetuned = try #require(events.first { $0["event"]?.string == "finetuned" })
      losses.append(try #require(finetuned["loss_before"]?.double))
    }
    #expect(losses[1] != losses[0] && abs(losses[1] / losses[0] - 1) < 0.05, "\(losses)")
    #expect(try bench.bytes("b") == bench.bytes("c") && bench.bytes("a") != bench.bytes("b"))
  }

  @Test("auto gives what the precision gives that the plan names, and the run knows that one alone")
  func chosenPrecision() throws {
    let arguments = try bench.few("bert") + ["--finetune-steps", "2", "--json"]
    let chosen = try Tool.run(
      arguments + ["--precision", "auto", "--run", "run", "-o", "a"], in: bench.folder)
    #expect(chosen.status == 0, "\(chosen.errors)")
    let events = try chosen.lines.map { try JSONValue(parsing: Array($0.utf8)) }
    let plan = try #require(events.first { $0["event"]?.string == "plan" })
    let precision = try #require(plan["precision"]?.string)
    let gain = try #require(plan["bfloat16_gain"]?.double)
    #expect(precision == PrecisionChoice(gain: gain).precision.rawValue)
    #expect(plan["finetuning"]?["precision"]?.string == precision)
    #expect(try !String(decoding: bench.bytes("run/recipe.yaml"), as: UTF8.self).contains("auto"))
    let given = try Tool.run(arguments + ["--precision", precision, "-o", "b"], in: bench.folder)
    #expect(given.status == 0, "\(given.errors)")
    #expect(try bench.bytes("a") == bench.bytes("b"))
  }

  @Test("adapters change the projections that they are put on, and nothing else")
  func adapters() throws {
    let outcome = try Tool.run(
      Bench.short("llama") + ["--finetune-steps", "2", "--lora", "2", "-o", "out"],
      in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let artifact = try ArtifactReader(at: bench.folder.path("out"))
    let changed = artifact.manifest.tensors.filter { $0.origin == .changed }.map(\.name)
    #expect(changed.count == 12 && changed.allSatisfy { $0.contains("self_attn") })
  }

  @Test(
    "adapters trained in little memory, weights read block by block, end in the same bytes",
    arguments: [["2"], ["40", "--finetune-loss", "teacher-hidden"]])
  func littleMemory(_ steps: [String]) throws {
    let arguments =
      try bench.few("llama") + ["--lora", "2", "--finetune-steps"] + steps + ["-q", "-o"]
    let tight = try Tool.run(arguments + ["x", "--max-memory", "1kB"], in: bench.folder)
    #expect(tight.status == 64)
    let least = try #require(tight.errors.firstMatch(of: /at least (\d+) MB/)).output.1
    for words in [["a"], ["b", "--max-memory", "\((Int(least) ?? 0) + 1)MB"]] {
      let outcome = try Tool.run(arguments + words, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(try bench.bytes("a") == bench.bytes("b"))
  }

  @Test(
    "options that do not go together are refused",
    arguments: [
      (["--lora", "4"], "--lora: expected --finetune-steps beside it"),
      (["--precision", "half"], "expected float32, bfloat16, auto, found 'half'"),
      (["--finetune-lr", "0.1"], "--finetune-lr: expected --finetune-steps beside it"),
      (["--finetune-steps", "2", "--finetune-lr", "-1"], "--finetune-lr: expected a positive"),
      (["--finetune-steps", "2", "--finetune-loss", "nonsense"], "found 'nonsense'"),
      (["--finetune-steps", "2", "--lora", "0"], "expected a rank from 1 to 4096, found '0'"),
    ])
  func refusals(options: [String], message: String) throws {
    let outcome = try Tool.run(Bench.short("gpt2") + options, in: bench.folder)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(try bench.contents.isEmpty)
  }

  @Test(
    "outputs that are an input, hold one or are each other are refused before any work",
    arguments: [
      (["--adapter", "own", "-o", "out"], "own: expected another name than the inputs'"),
      (["--adapter", "few.txt", "-o", "out"], "few.txt: expected a folder to replace"),
      (
        ["-o", "few.txt"],
        "few.txt: expected another name than the inputs', found that of 'few.txt'"
      ),
      (["-o", "own/NOTICE"], "own/NOTICE: expected another name than the inputs'"),
      (["-o", "r.yaml"], "r.yaml: expected another name than the inputs', found that of 'r.yaml'"),
      (["--adapter", "q", "-o", "./q"], "expected another name than the adapter's and the run's"),
      (["--run", "q", "-o", "q"], "expected another name than the adapter's and the run's"),
      (["--adapter", "q", "--run", "q/", "-o", "out"], "expected another name than the output's"),
    ])
  func outputs(options: [String], message: String) throws {
    try ModelCopy("gpt2").write(to: "own", in: bench.folder)
    try bench.folder.write("own", to: "own/NOTICE")
    try bench.folder.write("stages: [{stage: rewrite}, {stage: distil}]", to: "r.yaml")
    let names = try directoryEntries(of: bench.folder.path("own"))
    var arguments = try bench.few("gpt2")
    arguments[0] = "own"
    arguments += ["--recipe", "r.yaml", "--finetune-steps", "2", "--lora", "2", "--force"]
    let outcome = try Tool.run(arguments + options, in: bench.folder)
    #expect(outcome.status == 73)
    expectError(outcome, message)
    #expect(try bench.contents == ["few.txt", "own", "r.yaml"])
    #expect(try directoryEntries(of: bench.folder.path("own")) == names)
  }

  @Test("a rate that diverges ends with its own status and leaves nothing")
  func diverges() throws {
    let outcome = try Tool.run(
      Bench.short("gpt2") + ["--finetune-steps", "20", "--finetune-lr", "1e30"], in: bench.folder)
    #expect(outcome.status == 78)
    #expect(outcome.errors.contains("lower --finetune-lr"), "\(outcome.errors)")
    #expect(try bench.contents.isEmpty)
  }
}
