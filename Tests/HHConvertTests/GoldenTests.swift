// What users can see stays as it is: help, recipes, plans, artifacts and exports.

import Foundation
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("Goldens")
struct GoldenTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private func run(_ arguments: [String]) throws -> Tool.Outcome {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome
  }

  @Test(
    "the help of every command",
    arguments: [
      "", "convert", "train", "resume", "inspect", "verify", "diff", "export", "batch", "sbatch",
      "generate", "embed", "classify", "eval", "diagnose", "report", "bench", "recipe",
      "recipe print", "recipe list",
    ])
  func help(_ command: String) throws {
    let words = command.split(separator: " ").map(String.init)
    try Golden.check("help", "help \(command)", try run(["help"] + words).output)
  }

  @Test(
    "every recipe with its defaults",
    arguments: [
      "", "hybrid", "hedgehog", "gpt2-wikitext", "bert-classifier", "bert-glue", "vit",
      "llama-lora", "lolcats",
    ])
  func recipes(_ name: String) throws {
    let words = name.isEmpty ? [] : [name]
    try Golden.check("recipes", "\(name).yaml", try run(["recipe", "print"] + words).output)
    try Golden.check(
      "recipes", "\(name).json", try run(["recipe", "print", "--json"] + words).output)
  }

  @Test("the list of recipes") func recipeList() throws {
    try Golden.check("recipes", "list", try run(["recipe", "list"]).output)
  }

  @Test("plans", arguments: Plan.all)
  func plans(_ plan: Plan) throws {
    let words = plan.arguments + ["--threads", "2", "--dry-run"]
    try Golden.check("plans", "\(plan) as text", try run(words).output)
    let json = try run(words + ["--json"]).output
    // The list of tensors is the same for every conversion of a model; once is enough.
    let isWhole = plan.arguments.contains("rewrite")
    try Golden.check(
      "plans", "\(plan) as JSON",
      isWhole
        ? json.replacingOccurrences(of: "},{", with: "},\n{")
        : json.replacingOccurrences(
          of: #""tensors":.*"#, with: "\"tensors\":…", options: .regularExpression))
  }

  @Test("artifacts that are only rewritten, and what is exported from them", arguments: Rewrite.all)
  func rewrites(_ rewrite: Rewrite) throws {
    _ = try run(rewrite.arguments + ["--stages", "rewrite", "-q", "-o", "out"])
    let text = try manifest("out")
    try Golden.check("rewrites", "\(rewrite)", rewrite.isExported ? text : Self.withoutKept(text))
    guard rewrite.isExported else { return }
    for format in ["hf", "safetensors", "gguf", "onnx"] {
      let head = format == "gguf" ? ["--drop-head"] : []
      let outcome = try Tool.run(
        ["export", "out", "--to", format, "-q", "-o", format] + head, in: bench.folder)
      let text = outcome.status == 0 ? try files(format) : outcome.errors
      try Golden.check("exports", "\(rewrite) to \(format)", text)
    }
  }

  @Test("artifacts that are trained", arguments: Training.all)
  func trains(_ training: Training) throws {
    let (command, folder) = try training.command(in: bench)
    _ = try run(command + ["--threads", "2", "-q"])
    let text = try manifest(folder)
    try Golden.check("trained", "\(training)", Self.portable(text))
    // Products differ in their last bits from core to core, and training lets them grow.
    let group = "trained-\(Self.core)"
    guard Golden.has(group) else {
      print("GoldenTests: \(training): SKIPPED: no digests of another core than \(Self.core)")
      return
    }
    try Golden.check(group, "\(training)", ContentDigest.of(Array(text.utf8)))
  }

  /// The manifest of an artifact, a line for each tensor and for each other member.
  private func manifest(_ name: String) throws -> String {
    let line = try run(["inspect", name, "--json"]).output
    let manifest = try #require(try parse(line)["manifest"]?.object)
    return manifest.pairs.flatMap { key, value in
      guard key == "tensors", let tensors = value.object else { return ["\(key): \(value.text)"] }
      return tensors.pairs.map { "tensor \($0): \($1.text)" }
    }.joined(separator: "\n")
  }

  /// Name and digest of every file below a path, texts in full where they are short.
  private func files(_ name: String) throws -> String {
    let path = bench.folder.path(name)
    guard try PathKind(of: path) == .directory else {
      return "\(name) \(try ContentDigest.ofFile(at: path).sha256)"
    }
    return try directoryEntries(of: path).sorted().map { file in
      let isText = ["config.json", "tokenizer_config.json", "README.md"].contains(file)
      return try isText
        ? "\(file):\n" + String(contentsOfFile: join(path, file), encoding: .utf8)
        : "\(file) \(try ContentDigest.ofFile(at: join(path, file)).sha256)"
    }.joined(separator: "\n")
  }

  /// The manifest without kept tensors, which are the source's.
  private static func withoutKept(_ manifest: String) -> String {
    manifest.split(separator: "\n").filter { !$0.contains("\"origin\":\"kept\"") }
      .joined(separator: "\n")
  }

  /// The same without what depends on the processor: trained tensors' digests and losses.
  private static func portable(_ manifest: String) -> String {
    withoutKept(manifest).split(separator: "\n").map { line in
      let (pattern, mask) =
        line.hasPrefix("tensor ")
        ? (#""sha256":"[0-9a-f]+""#, "\"sha256\":\"…\"") : (#"-?[0-9]+\.[0-9]+(e-?[0-9]+)?"#, "0.0")
      let isMasked = line.hasPrefix("tensor ") || line.hasPrefix("stages: ")
      return !isMasked
        ? String(line)
        : line.replacingOccurrences(of: pattern, with: mask, options: .regularExpression)
    }.joined(separator: "\n")
  }

  /// OpenBLAS's core and whether the kernels have AVX-512, as a name.
  private static var core: String {
    let words = ThreadPolicy.backend.split(separator: " ")
    let name = words.drop { $0 != "NO_AFFINITY" }.dropFirst().first ?? "unknown"
    let flags = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    return "\(name)\(flags?.contains(" avx512vl ") == true ? "-avx512" : "")"
  }
}
