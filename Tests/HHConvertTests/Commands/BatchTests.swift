// Converting many models as a user does.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("Batch")
struct BatchTests {
  let bench: Bench
  static let suffix = ".hedgehog.safetensors.zst"
  /// What makes a conversion short.
  static let short = ["--steps", "2", "--batch", "2", "--seed", "7"]

  init() throws {
    bench = try Bench()
    for model in ["gpt2", "bert", "vit"] {
      try bench.folder.link("zoo/\(model)", to: Fixtures.path("models/\(model)"))
    }
  }

  private func batch(_ arguments: String...) throws -> Tool.Outcome {
    try Tool.run(["batch"] + arguments + Self.short, in: bench.folder)
  }

  /// The states of the models, from the lines of `--json`.
  private func states(_ outcome: Tool.Outcome) throws -> [String: String] {
    var states: [String: String] = [:]
    for event in try outcome.lines.map(parse) where event["event"]?.string == "model" {
      let model = try #require(event["model"]?.string)
      states[lastComponent(of: model)] = event["state"]?.string
    }
    return states
  }

  @Test("every model is converted, as it would be by itself, and a second run skips all")
  func converts() throws {
    let first = try batch("zoo", "-o", "out", "--jobs", "2", "--threads", "2")
    #expect(first.status == 0, "\(first)")
    #expect(first.errors.split(separator: "\n").count { $0.hasPrefix("done     zoo/") } == 3)
    #expect(first.lines.first?.hasPrefix("model ") == true)
    #expect(first.lines.last == "3 models: 3 done")
    let names = ["bert", "gpt2", "vit"].map { "\($0)\(Self.suffix)" }
    #expect(try directoryEntries(of: bench.folder.path("out")) == names)
    let single = try Tool.run(
      ["zoo/gpt2", "-q", "-o", "single", "--threads", "1"] + Self.short, in: bench.folder)
    #expect(single.status == 0)
    #expect(try bench.bytes("single") == bench.bytes("out/gpt2\(Self.suffix)"))

    let second = try batch("zoo", "-o", "out", "--json")
    #expect(second.status == 0 && second.errors.isEmpty)
    #expect(try states(second) == ["bert": "skipped", "gpt2": "skipped", "vit": "skipped"])
    let summary = try parse(try #require(second.lines.last))
    #expect(summary["event"]?.string == "summary")
    #expect(summary["skipped"]?.integer == 3 && summary["done"]?.integer == 0)
  }

  @Test("what is broken, or made from other weights or with other settings, is refused or redone")
  func outdated() throws {
    #expect(try batch("zoo", "-q").status == 0)
    var weights = try ModelCopy("gpt2")
    weights.change("transformer.ln_f.bias") { $0.bytes[0] ^= 1 }
    try FileManager.default.removeItem(atPath: bench.folder.path("zoo/gpt2"))
    try weights.write(to: "zoo/gpt2", in: bench.folder)
    let bytes = try [UInt8](bench.bytes("bert\(Self.suffix)"))
    try bench.folder.write(Array(bytes.dropLast(9)), to: "bert\(Self.suffix)")

    let list = try batch("zoo", "--dry-run")
    #expect(list.status == 0)
    #expect(list.lines.count == 3)
    #expect(list.lines[0].hasPrefix("refuse   zoo/bert: bert\(Self.suffix): expected nothing or"))
    #expect(list.lines[0].contains("found no whole artifact: "))
    #expect(list.lines[1].hasSuffix("found an artifact of other weights or another configuration"))
    #expect(list.lines[2] == "skip     zoo/vit: vit\(Self.suffix) is up to date")

    let refused = try batch("zoo", "--json", "--keep-going")
    #expect(refused.status == 3)
    #expect(refused.errors == "error: 2 of 3 models failed\n")
    #expect(try states(refused) == ["bert": "failed", "gpt2": "failed", "vit": "skipped"])

    let redone = try batch("zoo", "--json", "--force")
    #expect(redone.status == 0)
    #expect(try states(redone) == ["bert": "done", "gpt2": "done", "vit": "skipped"])

    let other = try Tool.run(
      ["batch", "zoo/vit", "--dry-run"] + Self.short + ["--lr", "0.5"], in: bench.folder)
    #expect(
      other.output.hasSuffix(
        "found an artifact made with other settings, another tokenizer or by another version\n"))
  }

  @Test("a failure stops the batch, or with --keep-going only its own model")
  func failures() throws {
    try bench.folder.write("no tensors", to: "zoo/a.safetensors")
    let stopped = try batch("zoo", "--json")
    #expect(stopped.status == 3)
    #expect(stopped.errors == "error: 1 of 4 models failed\n")
    #expect(try states(stopped) == ["a.safetensors": "failed"])
    #expect(try parse(try #require(stopped.lines.last))["not_begun"]?.integer == 3)
    let failure = try parse(stopped.lines[0])
    #expect(failure["status"]?.integer == 65)
    #expect(failure["error"]?.string?.hasPrefix("zoo/a.safetensors: ") == true)

    let all = try batch("zoo", "--keep-going")
    #expect(all.status == 3)
    #expect(all.lines.last == "4 models: 3 done, 1 failed")
    #expect(all.errors.contains("failed   zoo/a.safetensors: zoo/a.safetensors: "))
    #expect(all.errors.hasSuffix("\nerror: 1 of 4 models failed\n"))
  }

  @Test("a model whose conversion is killed is one failure; the others go on")
  func crash() throws {
    // A limit on processor time ends a conversion as a crash would.
    try bench.folder.link("long/llama", to: Fixtures.path("models/llama"))
    let outcome = try Tool.shell(
      "ulimit -t 2; $hh batch long zoo/vit --keep-going --steps 1000000 --json", in: bench.folder)
    #expect(outcome.status == 3)
    #expect(try states(outcome) == ["llama": "failed", "vit": "failed"])
    let failure = try parse(try #require(outcome.lines.first))
    #expect(failure["status"]?.integer == Int(128 + SIGKILL), "\(outcome)")
    #expect(failure["error"]?.string?.hasPrefix("the conversion crashed: signal 9, ") == true)
    #expect(try bench.contents == ["long", "zoo"])
  }

  @Test(
    "a signal stops every conversion, and leaves nothing half",
    arguments: [SIGINT, SIGTERM, SIGHUP])
  func signals(_ signal: Int32) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.currentDirectoryURL = URL(filePath: bench.folder.path)
    let arguments = [
      "batch", "zoo/gpt2", "zoo/bert", "--jobs", "2", "--json", "--steps", "1000000",
    ]
    process.arguments = try Tool.hearingSignals + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    while try children(of: process.processIdentifier).count < 2 { sched_yield() }
    kill(process.processIdentifier, signal)
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 128 + signal)
    let said = String(
      decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    #expect(said == "error: interrupted by signal \(signal): 0 of 2 models are converted\n")
    #expect(String(decoding: printed, as: UTF8.self).contains(#""not_begun":2"#))
    #expect(try bench.contents == ["zoo"])
  }

  /// The processes that a process has started.
  private func children(of process: pid_t) throws -> [Substring] {
    let path = "/proc/\(process)/task/\(process)/children"
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
  }

  @Test("wrong arguments, and folders that hold nothing")
  func errors() throws {
    try bench.folder.write("", to: "empty/readme.md")
    for (arguments, status, message) in [
      ([], 64, "Missing expected argument '<paths> ...'"),
      (["zoo", "--jobs", "0"], 64, "--jobs: expected 1 to 1024, found 0"),
      (["zoo", "--steps", "-1"], 64, "--steps: expected 0 to 10000000, found -1"),
      (["zoo", "-q", "--json"], 64, "--quiet and --json exclude each other"),
      (["nowhere"], 66, "error: nowhere: cannot be opened"),
      (["empty"], 66, "error: empty: expected a folder with models"),
      (["zoo", "-o", "nowhere/out"], 73, "error: nowhere/out: cannot be created"),
      (["zoo", "models/gpt2/model.safetensors"], 73, "expected one model of this name, found"),
    ] as [([String], Int32, String)] {
      let outcome = try Tool.run(["batch"] + arguments, in: bench.folder)
      #expect(outcome.status == status, "\(arguments)")
      expectError(outcome, message)
    }
    #expect(try bench.contents == ["empty", "zoo"])
  }

  @Test("every option of a conversion is passed on")
  func options() throws {
    let help = try Tool.run("help", "convert", in: bench.folder)
    let own = [
      "--output", "--config", "--run", "--checkpoint-steps", "--adapter", "--dry-run", "--force",
      "--quiet", "--json", "--base", "--tokenizer", "--resume", "--report", "--tensorboard",
    ]
    let shared = help.lines.filter { $0.hasPrefix("  -") }
      .flatMap { $0.split(whereSeparator: { " ,".contains($0) }) }.map(String.init)
      .filter { $0.hasPrefix("--") && !own.contains($0) && !["--version", "--help"].contains($0) }
    let values = [
      "--data": "rows.jsonl", "--held-out": "held-out.jsonl", "--column": "body",
      "--length": "16",
      "--steps": "3", "--batch": "2", "--rows": "40", "--lr": "0.03", "--budget": "1m",
      "--max-memory": "1GB", "--precision": "bfloat16",
      "--seed": "9", "--threads": "1", "--allow-nonfinite": "", "--delta": "",
      "--stages": "rewrite,distil", "--finetune-steps": "2", "--finetune-lr": "0.001",
      "--finetune-loss": "labels", "--finetune-parameters": "all", "--lora": "2",
      "--feature-map": "hedgehog-softmax-joint",
      "--feature-dim": "8", "--window": "4", "--sinks": "2", "--keep-softmax": "0",
      "--recipe": "r.yaml",
    ]
    #expect(Set(shared) == Set(values.keys).union(["--effort"]))
    try bench.folder.write("description: nothing", to: "r.yaml")
    try bench.columns("body", of: "corpus.txt", to: "rows.jsonl")
    try bench.columns("body", of: "held-out.txt", to: "held-out.jsonl")
    let all = values.flatMap { $1.isEmpty ? [$0] : [$0, $1] }
    // A recipe says itself how much is trained.
    let quick = [
      "--effort", "quick", "--length", "16", "--data", "rows.jsonl", "--column", "body",
    ]
    for (name, arguments) in [("all", all), ("quick", quick)] {
      let single = try Tool.run(
        ["models/gpt2", "-q", "-o", name] + arguments, in: bench.folder)
      #expect(single.status == 0, "\(single)")
      let outcome = try Tool.run(
        ["batch", "models/gpt2", "-q", "-o", "out-\(name)"] + arguments, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(try bench.bytes(name) == bench.bytes("out-\(name)/gpt2\(Self.suffix)"))
    }
    let both = try Tool.run(
      "models/gpt2", "--recipe", "r.yaml", "--effort", "best", in: bench.folder)
    #expect(both.status == 64)
    expectError(both, "--effort: expected no recipe beside it")
  }
}
