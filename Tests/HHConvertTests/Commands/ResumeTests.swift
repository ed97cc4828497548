// Runs that are stopped and go on.

import Foundation
import Glibc
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("Resume")
struct ResumeTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// A conversion with distillation, finetuning and an evaluation, in a run folder.
  private func arguments(_ model: String, run: String, output: String) throws -> [String] {
    try bench.folder.write(
      """
      data: data/held-out.txt
      length: 32
      checkpoint_steps: 7
      stages:
        - stage: rewrite
        - {stage: distil, steps: 12, batch: 4, clip: 1}
        - {stage: evaluate, task: lm}
        - stage: finetune
          steps: 60
          batch: 2
          accumulation: 2
          schedule: plateau
          plateau: {interval: 10, patience: 1}
          early_stop: {interval: 20, patience: 2}
          lora: {rank: 2, dropout: 0.1, targets: [query, value]}
      """, to: "r.yaml")
    return ["models/\(model)", "--recipe", "r.yaml", "--run", run, "-o", output]
  }

  @Test(
    "a run that is killed anywhere ends with the bytes of one that never was",
    arguments: [
      ("\"stage\":\"distil\"", SIGKILL), ("\"layer\":1", SIGKILL), ("\"step\":10,", SIGKILL),
      ("\"event\":\"evaluated\"", SIGTERM), ("\"stage\":\"finetune\",\"step\":30", SIGKILL),
      ("\"stage\":\"finetune\",\"step\":20", SIGINT), ("\"event\":\"finetuned\"", SIGKILL),
    ])
  func killed(mark: String, signal: Int32) throws {
    let whole = try Tool.run(
      arguments("llama", run: "whole", output: "a") + ["-q"], in: bench.folder)
    #expect(whole.status == 0, "\(whole)")
    let stopped = try Tool.run(
      arguments("llama", run: "stopped", output: "b"), in: bench.folder, until: mark,
      then: signal)
    #expect(stopped.status != 0)
    if signal != SIGKILL {
      #expect(stopped.errors.contains("hint: 'hh-convert resume stopped' goes on"))
    }
    // A kill may tear the last line, and leave a file that was being written.
    try bench.folder.write("half", to: "stopped/.checkpoint.1.partial")
    let log = bench.folder.path("stopped/events.jsonl")
    try (String(contentsOfFile: log, encoding: .utf8) + "{\"event\":\"st").write(
      toFile: log, atomically: true, encoding: .utf8)
    let resumed = try Tool.run("resume", "stopped", "--json", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try bench.bytes("a") == bench.bytes("b"))
    #expect(
      try resumed.lines.prefix(2).map { try parse($0)["event"]?.string } == ["reading", "resumed"])
    let events = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    for event in events { _ = try parse(String(event)) }
    #expect(try parse(String(try #require(events.last)))["event"]?.string == "summary")
    let names = try directoryEntries(of: bench.folder.path("stopped"))
    #expect(names.count { $0.hasPrefix("checkpoint-") } <= 2)
    #expect(!names.contains { $0.hasPrefix(".") })
    // Once more is a success with nothing to do.
    let again = try Tool.run("resume", "stopped", in: bench.folder)
    #expect(again.status == 0 && again.output.contains("done already"), "\(again)")
  }

  @Test(
    "a run that asks its teacher about rows that distillation has passed ends with the same bytes",
    arguments: [("bert", "teacher-hidden"), ("gpt2", "teacher-logits")], [false, true])
  func taught(_ model: (name: String, loss: String), comesAgain: Bool) throws {
    let arguments =
      try (comesAgain ? bench.few(model.name) : Bench.short(model.name, steps: 60))
      + ["--finetune-steps", "60", "--finetune-loss", model.loss]
    let whole = try Tool.run(arguments + ["-o", "a", "-q"], in: bench.folder)
    #expect(whole.status == 0, "\(whole)")
    _ = try Tool.run(
      arguments + ["--run", "stopped", "--checkpoint-steps", "7", "-o", "b"], in: bench.folder,
      until: #""stage":"finetune","step":20"#, then: SIGKILL)
    let resumed = try Tool.run("resume", "stopped", "--json", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(!resumed.output.contains(#""stage":"finetune","step":10,"#))
    #expect(try bench.bytes("a") == bench.bytes("b"))
  }

  @Test(
    "a layer that was begun goes on from its last checkpoint, or from where a signal came",
    arguments: [("21", SIGKILL), ("31", SIGINT), ("40", SIGTERM)],
    [
      "",
      ", schedule: plateau, plateau: {interval: 3, patience: 1}, early_stop: {interval: 3, patience: 50}",
    ])
  func layer(_ stop: (step: String, signal: Int32), settings: String) throws {
    try bench.folder.write(
      """
      data: data/held-out.txt
      length: 32
      checkpoint_steps: 8
      stages:
        - stage: rewrite
        - {stage: distil, steps: 40, batch: 4, weight_decay: 0.01\(settings)}
      """, to: "r.yaml")
    let arguments = ["models/gpt2", "--recipe", "r.yaml", "--run"]
    let whole = try Tool.run(arguments + ["whole", "-o", "a", "-q"], in: bench.folder)
    #expect(whole.status == 0, "\(whole)")
    _ = try Tool.run(
      arguments + ["stopped", "-o", "b"], in: bench.folder,
      until: #""layer":1,"layers":3,"step":\#(stop.step),"#, then: stop.signal)
    let resumed = try Tool.run("resume", "stopped", "--json", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(!resumed.output.contains(#""layer":1,"layers":3,"step":1,"#))
    #expect(try bench.bytes("a") == bench.bytes("b"))
  }

  @Test("with another learning rate a layer that was begun begins anew")
  func layerRate() throws {
    let arguments = Bench.short("gpt2", steps: 30) + ["--lr", "0.2", "--checkpoint-steps", "5"]
    _ = try Tool.run(
      arguments + ["--run", "run", "-o", "out"], in: bench.folder,
      until: #""layer":0,"layers":3,"step":21,"#, then: SIGKILL)
    let resumed = try Tool.run("resume", "run", "--lr", "0.1", "--json", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(resumed.output.contains(#""layer":0,"layers":3,"step":1,"#))
  }

  @Test("layers that were done at another learning rate make another artifact")
  func mixedRates() throws {
    let short = Bench.short("gpt2", steps: 30)
    _ = try Tool.run(
      short + ["--lr", "0.2", "--checkpoint-steps", "5", "--run", "run", "-o", "out"],
      in: bench.folder, until: #""layer":1,"layers":3,"step":11,"#, then: SIGKILL)
    let resumed = try Tool.run("resume", "run", "--lr", "0.1", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    let again = try Tool.run("resume", "run", in: bench.folder)
    #expect(again.status == 0 && again.output.contains("done already"), "\(again)")
    let straight = try Tool.run(
      short + ["--lr", "0.1", "-o", "straight", "-q"], in: bench.folder)
    #expect(straight.status == 0, "\(straight)")
    let recipes = try ["out", "straight"].map {
      try ArtifactReader(at: bench.folder.path($0)).manifest.description.provenance.recipe
    }
    #expect(recipes[0]["key"] != recipes[1]["key"])
    #expect(recipes.map { $0["learning_rate"]?.double } == [0.1, 0.1])
    let earlier = recipes[0]["earlier_learning_rates"]?["distil"]?.array
    #expect(earlier?.map(\.double) == [0.2])
    #expect(recipes[1]["earlier_learning_rates"] == nil)
  }

  @Test("a learning rate for what is trained already is refused, and changes nothing")
  func lateRates() throws {
    _ = try Tool.run(
      Bench.short("gpt2") + ["--finetune-steps", "400", "--run", "tuned", "-o", "out"],
      in: bench.folder, until: #""stage":"finetune","step":10"#, then: SIGTERM)
    _ = try Tool.run(
      Bench.short("gpt2", steps: 30) + ["--run", "begun", "-o", "out"], in: bench.folder,
      until: #""layer":0,"layers":3,"step":11,"#, then: SIGTERM)
    for arguments in [
      Bench.short("gpt2") + ["--run", "done", "-o", "whole", "-q"],
      ["models/gpt2", "--stages", "rewrite", "--run", "rewritten", "-o", "untrained", "-q"],
    ] {
      let outcome = try Tool.run(arguments, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
    }
    for (run, option, message) in [
      ("tuned", "--lr", "expected layers that are yet to be distilled, found none"),
      ("begun", "--finetune-lr", "expected a run with finetuning, found one without"),
      ("done", "--lr", "expected a run that has distillation left to do, found a finished one"),
      ("rewritten", "--lr", "expected a run with distillation, found one without"),
    ] {
      let recipe = try bench.bytes("\(run)/recipe.yaml")
      let outcome = try Tool.run("resume", run, option, "0.01", in: bench.folder)
      #expect(outcome.status == 64, "\(outcome)")
      #expect(outcome.errors.contains("\(option): \(message)"), "\(outcome)")
      #expect(try bench.bytes("\(run)/recipe.yaml") == recipe)
    }
    for run in ["done", "rewritten"] {
      let again = try Tool.run("resume", run, in: bench.folder)
      #expect(again.status == 0 && again.output.contains("done already"), "\(again)")
    }
  }

  @Test("a run folder says everything: another run of its recipe is the same")
  func recipe() throws {
    let first = try Tool.run(
      Bench.short("gpt2") + [
        "--finetune-steps", "3", "--lora", "2", "--seed", "7", "--run", "run", "-q", "-o", "a",
      ], in: bench.folder)
    #expect(first.status == 0, "\(first)")
    let again = try Tool.run(
      "convert", "--recipe", "run/recipe.yaml", "-q", "-o", "b", in: bench.folder)
    #expect(again.status == 0, "\(again)")
    let plain = try Tool.run(
      Bench.short("gpt2") + [
        "--finetune-steps", "3", "--lora", "2", "--seed", "7", "-q", "-o", "c",
      ], in: bench.folder)
    #expect(plain.status == 0, "\(plain)")
    #expect(try bench.bytes("a") == bench.bytes("b"))
    #expect(try bench.bytes("a") == bench.bytes("c"))
  }

  @Test("a run that diverges keeps its last good checkpoint, and goes on with a lower rate")
  func diverges() throws {
    let outcome = try Tool.run(
      Bench.short("gpt2") + [
        "--finetune-steps", "6", "--finetune-lr", "1e30", "--run", "run", "-q", "-o", "out",
      ], in: bench.folder)
    #expect(outcome.status == 78)
    expectError(outcome, "finetuning: step ")
    #expect(outcome.errors.contains("hint: 'hh-convert resume run --finetune-lr X' goes on"))
    #expect(
      try directoryEntries(of: bench.folder.path("run")).contains {
        $0.hasPrefix("checkpoint-")
      })
    let resumed = try Tool.run(
      "resume", "run", "--finetune-lr", "1e-4", "-q", in: bench.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
  }

  @Test("runs that cannot begin or go on")
  func errors() throws {
    #expect(
      try Tool.run(
        arguments("gpt2", run: "run", output: "out") + ["--finetune-steps", "2", "-q"],
        in: bench.folder
      ).status == 0)
    try bench.folder.write("seed: 1", to: "odd/recipe.yaml")
    try bench.folder.write("x", to: "full/x")
    let convert = { try self.arguments("gpt2", run: $0, output: "new") }
    for (arguments, status, message) in [
      (try convert("run"), 73, "run: expected a new folder for the run, found a run in it"),
      (try convert("full"), 73, "full: expected a new or empty folder"),
      (try convert("no/where"), 73, "no/where: cannot be created: No such file"),
      (try convert("r.yaml"), 73, "r.yaml: cannot be created: File exists"),
      (["resume", "none"], 66, "none: expected the folder of a run, found no recipe.yaml"),
      (["resume", "odd"], 65, "odd/recipe.yaml: key 'model': expected a model"),
      (["resume"], 64, "Missing expected argument '<folder>'"),
      (["resume", "run", "--lr", "0"], 64, "--lr: expected a positive number, found 0.0"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(arguments, in: bench.folder)
      #expect(outcome.status == status, "\(arguments) \(outcome)")
      #expect(outcome.errors.contains(message), "\(outcome)")
    }
  }
}
