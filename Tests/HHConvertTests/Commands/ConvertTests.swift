// The main job, run as a user runs it.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("Convert")
struct ConvertTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("every architecture is converted, and its divergence falls", arguments: architectures)
  func converts(_ model: String) throws {
    let outcome = try Tool.run(Bench.short(model) + ["--json"], in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let events = try outcome.lines.map(parse)
    #expect(events.prefix(2).map { $0["event"]?.string } == ["reading", "plan"])
    #expect(events.first?["source"] == events[1]["source"])
    #expect(events.first?["data"]?.array?.count == 1)
    #expect(stages(of: events) == ["distil", "evaluate", "write"])
    let grade = events.last?["verdict"]?["grade"]?.string ?? "none"
    #expect(["kept", "close", "worse", "broken"].contains(grade))
    #expect(events.filter { $0["event"]?.string == "layer" }.count == 3)
    let summary = try #require(events.last)
    #expect(summary["event"]?.string == "summary")
    let output = "\(model).hedgehog.safetensors.zst"
    #expect(summary["output"]?.string == output)
    let before = try #require(summary["kl_before"]?.double)
    let after = try #require(summary["kl_after"]?.double)
    #expect(0 < after && after < before)
    for key in ["seconds", "peak_memory_bytes", "tokens_per_second"] {
      #expect(try #require(summary[key]?.double) > 0, "\(key)")
    }
    #expect(try bench.contents == [output])
    #expect(try Tool.run("verify", output, in: bench.folder).status == 0)
  }

  @Test("without data a model makes up its own rows", arguments: architectures)
  func ownRows(_ model: String) throws {
    let arguments = ["convert", "models/\(model)", "--steps", "2", "--batch", "2", "-o", "out"]
    let length = model == "vit" ? [] : ["--length", "16"]
    let outcome = try Tool.run(arguments + length, in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.lines.first?.hasPrefix("out: ") == true)
    #expect(outcome.lines.dropFirst().first?.hasPrefix("mean KL(teacher || student)") == true)
    #expect(try bench.contents == ["out"])
  }

  @Test("a file and a folder with a slash at its end are the same model")
  func paths() throws {
    for (path, output) in [("models/gpt2/", "a"), ("models/gpt2/model.safetensors", "b")] {
      let arguments = Array(Bench.short("gpt2").dropFirst())
      #expect(try Tool.run([path, "-o", output] + arguments, in: bench.folder).status == 0)
    }
    #expect(try bench.bytes("a") == bench.bytes("b"))
  }

  @Test(
    "the same command with the same seed gives the same bytes, on any number of threads",
    arguments: architectures)
  func repeats(_ model: String) throws {
    for (output, seed, threads) in [("a", "7", "1"), ("b", "7", "3"), ("c", "8", "1")] {
      let outcome = try Tool.run(
        Bench.short(model)
          + ["-q", "-o", output, "--seed", seed, "--threads", threads, "--finetune-steps", "2"],
        in: bench.folder)
      #expect(outcome.status == 0)
      #expect(outcome.output.isEmpty && outcome.errors.isEmpty, "--quiet prints nothing")
    }
    #expect(try bench.bytes("a") == bench.bytes("b"))
    #expect(try bench.bytes("a") != bench.bytes("c"))
  }

  @Test("what is read is named before it is read")
  func reading() throws {
    try bench.folder.write("x", to: "x.npy")
    let arguments = ["models/gpt2", "--data", "x.npy", "--held-out", "y.npy"]
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == 65, "\(outcome)")
    #expect(
      outcome.errors.hasPrefix(
        "reading models/gpt2 (gpt2, 141,504 parameters) and x.npy, y.npy\nerror: x.npy: "),
      "\(outcome)")
    let quiet = try Tool.run(arguments + ["-q"], in: bench.folder)
    #expect(quiet.errors.hasPrefix("error: "))
    let rewriting = try Tool.run("models/gpt2", "--stages", "rewrite", in: bench.folder)
    #expect(!rewriting.errors.contains("reading"), "the plan comes at once")
  }

  @Test("--dry-run prints the plan and writes nothing")
  func dryRun() throws {
    let outcome = try Tool.run("models/llama", "--dry-run", in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    // The time depends on the machine.
    let lines = outcome.lines.filter { !$0.hasPrefix("time ") && !$0.hasPrefix("memory ") }
    #expect(
      lines == [
        "source       models/llama (llama, 139,712 parameters)",
        "output       llama.hedgehog.safetensors.zst",
        "data         the model's own samples (64 rows)",
        "distillation 100 steps of 8 rows of 256, 64 distinct rows",
        "finetuning   20 steps of 8 rows on teacher-logits, feature maps",
        "new          4,908 parameters, 3.394 % of the converted model",
        "state        28,416 floats per sequence, whatever its length",
        "layers 0 to 2, each: 4 heads of 16 on 2 key/value heads, softmax -> hedgehog beside a window of 128"
          + " and 4 sinks, 1,636 new parameters",
      ])
    #expect(try bench.contents.isEmpty)
  }

  @Test("--dry-run --json names every tensor of the source once, and the new ones")
  func dryRunJSON() throws {
    let outcome = try Tool.run("models/gpt2", "--dry-run", "--json", in: bench.folder)
    #expect(outcome.status == 0)
    let plan = try parse(try #require(outcome.lines.first))
    #expect(outcome.lines.count == 1)
    #expect(plan["event"]?.string == "plan")
    #expect(plan["blocks"]?.array?.count == 3)
    let tensors = try #require(plan["tensors"]?.array)
    let names = tensors.compactMap { $0["name"]?.string }
    #expect(Set(names).count == names.count)
    let old = tensors.filter { $0["fate"]?.string != "new" }.compactMap { $0["name"]?.string }
    #expect(old.sorted() == (try ModelCopy("gpt2").tensors.map(\.name).sorted()))
    // Four of each layer's maps, and the factors of its window.
    #expect(tensors.count == old.count + 15)
  }

  @Test("no steps at all: the rewrite alone, and the divergence stays")
  func rewriteOnly() throws {
    let outcome = try Tool.run(Bench.short("gpt2", steps: 0) + ["--json"], in: bench.folder)
    #expect(outcome.status == 0)
    let summary = try parse(try #require(outcome.lines.last))
    #expect(try #require(summary["kl_before"]?.double) > 0)
    #expect(summary["kl_before"] == summary["kl_after"])
  }

  @Test("--stages rewrite keeps every weight and trains nothing", arguments: architectures)
  func rewriteStage(_ model: String) throws {
    let outcome = try Tool.run(
      "models/\(model)", "--stages", "rewrite", "-o", "out", "--json", in: bench.folder)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let events = try outcome.lines.map(parse)
    #expect(events.first?["steps"] == nil && events.first?["data"] == nil)
    #expect(events.compactMap { $0["stage"]?.string } == ["write"])
    let summary = try #require(events.last)
    #expect(summary["event"]?.string == "summary" && summary["kl_after"] == nil)
    let reader = try ArtifactReader(at: bench.folder.path("out"))
    let description = reader.manifest.description
    #expect(description.stages.map(\.name) == ["rewrite"])
    #expect(description.provenance.data == nil)
    let source = try Checkpoint(opening: Fixtures.path("models/\(model)"))
    for tensor in reader.tensors {
      let bytes = try reader.read(tensor.name)
      switch tensor.origin {
      case .kept:
        let expected = try source.withBytes(of: tensor.name) { $0.copied() }
        #expect(bytes == expected)
      case .changed, .state: continue
      case .new:
        // The identity for each head, and no bias.
        let ones = tensor.shape.count == 3 ? tensor.shape[0] * tensor.shape[1] : 0
        let one = Array(bytes[0..<4])
        #expect(ones == 0 || one == [0, 0, 0x80, 0x3F])
        #expect(bytes.count { $0 != 0 } == 2 * ones)
      }
    }
    #expect(try Tool.run("verify", "out", in: bench.folder).status == 0)
  }

  @Test("--stages rewrite takes a seed where the feature map draws its directions from it")
  func rewriteSeed() throws {
    func directions(_ seed: String, _ output: String) throws -> [UInt8] {
      let arguments = ["models/gpt2", "--stages", "rewrite", "-o", output]
      let outcome = try Tool.run(
        arguments + ["--feature-map", "performer", "--seed", seed], in: bench.folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let reader = try ArtifactReader(at: bench.folder.path(output))
      #expect(reader.manifest.description.provenance.seed == UInt64(seed))
      return try reader.read("layers.0.attention.feature_map.query.weight")
    }
    let three = try directions("3", "a")
    #expect(try directions("3", "b") == three)
    #expect(try directions("4", "c") != three)
    let refused = try Tool.run(
      "models/gpt2", "--stages", "rewrite", "--seed", "3", "--feature-map", "t2r", in: bench.folder)
    #expect(refused.status == 64)
    expectError(refused, "--seed: expected a distillation that it is for")
  }

  @Test(
    "--stages rewrite takes no option of training, and --stages takes only stages in order",
    arguments: [
      (["rewrite", "--data", "data/corpus.txt"], "--data: "),
      (["rewrite", "--held-out", "data/corpus.txt"], "--held-out: "),
      (["rewrite", "--lr", "0.1"], "--lr: "), (["rewrite", "--steps", "0"], "--steps: "),
      (["rewrite", "--budget", "1m"], "found '--stages rewrite'"),
      (["distil"], "expected 'rewrite' or 'rewrite,distil', found 'distil'"),
      (["rewrite,"], "found 'rewrite,'"),
    ])
  func stageOptions(arguments: [String], message: String) throws {
    let outcome = try Tool.run(["models/gpt2", "--stages"] + arguments, in: bench.folder)
    #expect(outcome.status == 64)
    expectError(outcome, message)
    #expect(try bench.contents.isEmpty)
  }

  @Test("--stages rewrite --dry-run says that nothing is trained")
  func rewritePlan() throws {
    let outcome = try Tool.run(
      "models/llama", "--stages", "rewrite", "--dry-run", in: bench.folder)
    #expect(outcome.status == 0)
    #expect(outcome.lines.contains("distillation none: the new maps start at the identity"))
    #expect(!outcome.lines.contains { $0.hasPrefix("data ") })
  }

  @Test("files beside the model go along, and a delta leaves them and the weights to the model")
  func delta() throws {
    let arguments = Bench.short("llama", steps: 0) + ["-q"]
    #expect(try Tool.run(arguments + ["-o", "whole"], in: bench.folder).status == 0)
    #expect(try Tool.run(arguments + ["-o", "delta", "--delta"], in: bench.folder).status == 0)
    let whole = try Checkpoint(opening: bench.folder.path("whole"))
    let base = bench.folder.path("models/llama")
    let delta = try Checkpoint(opening: bench.folder.path("delta"), base: base)
    #expect(delta.tensors == whole.tensors)
    let files = try SidecarFiles(of: whole).files
    #expect(
      files.map(\.name) == ["generation_config.json", "tokenizer.model", "tokenizer_config.json"])
    #expect(try SidecarFiles(of: delta).files == files)
    #expect(try bench.bytes("delta").count * 10 < bench.bytes("whole").count)
    let alone = try Tool.run("verify", "delta", in: bench.folder)
    #expect(alone.status == 0 && alone.output.contains("for want of --base"))
    let both = try Tool.run("verify", "delta", "--base", "models/llama", in: bench.folder)
    #expect(both.status == 0 && both.output.contains("digests, names and shapes, base)"))
    let wrong = try Tool.run("verify", "delta", "--base", "models/gpt2", in: bench.folder)
    #expect(wrong.status == 3)
    expectError(wrong, "error: models/gpt2: tensor ")
  }

  @Test("a file too large to go along is named in a warning")
  func largeCompanion() throws {
    try ModelCopy("llama").write(to: "model", in: bench.folder)
    try bench.folder.write("CC0", to: "model/LICENSE")
    #expect(try Tool.shell("truncate -s 67108865 model/NOTICE", in: bench.folder).status == 0)
    let outcome = try Tool.run(
      "model", "--steps", "0", "--rows", "4", "--length", "8", "--json", "-o", "out",
      in: bench.folder)
    #expect(outcome.status == 0)
    let warnings = try outcome.lines.map(parse).filter { $0["event"]?.string == "warning" }
    #expect(
      warnings.compactMap { $0["message"]?.string } == [
        "'NOTICE' is not carried along: expected at most 67,108,864 bytes, found 67,108,865"
      ])
    let carried = try ArtifactReader(at: bench.folder.path("out")).carriedFiles
    #expect(carried.map(\.name) == ["LICENSE"])
  }

  @Test("the metadata of a GGUF model goes along")
  func ggufMetadata() throws {
    let model = Fixtures.path("golden/gguf/llama-gqa.gguf")
    let outcome = try Tool.run(
      model, "--steps", "0", "--rows", "4", "--length", "8", "-q", "-o", "out", in: bench.folder)
    #expect(outcome.status == 0)
    let content = try ArtifactReader(at: bench.folder.path("out")).readFile("gguf.json")
    let metadata = try JSONValue(parsing: content)["metadata"]
    #expect(metadata?["general.architecture"]?["value"]?.string == "llama")
  }

  @Test("a budget takes steps away, never all of them")
  func budget() throws {
    let arguments = Bench.short("gpt2", steps: 1_000_000) + ["--budget", "0.2s", "--json"]
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == 0)
    let summary = try parse(try #require(outcome.lines.last))
    let steps = try #require(summary["steps"]?.integer)
    #expect((1..<1_000_000).contains(steps))
  }

  @Test("an output that exists stays, unless --force")
  func force() throws {
    try bench.folder.write("precious", to: "out")
    let arguments = Bench.short("gpt2") + ["-q", "-o", "out"]
    let refused = try Tool.run(arguments, in: bench.folder)
    #expect(refused.status == 73)
    expectError(refused, "error: out: the output exists already")
    #expect(try bench.bytes("out") == Data("precious".utf8))
    #expect(try Tool.run(arguments + ["--force"], in: bench.folder).status == 0)
    #expect(try Tool.run("verify", "-q", "out", in: bench.folder).status == 0)
  }

  @Test("a checkpoint without a configuration says what it needs, and takes it from a file")
  func configuration() throws {
    try ModelCopy("llama").write(to: "bare", in: bench.folder, configured: false)
    let arguments =
      ["bare", "-q", "-o", "out"]
      + Bench.short("llama").dropFirst()
      .map { $0 == "data/corpus.txt" ? "ids.npy" : $0 }
    try bench.folder.write(
      numpy("<u2", "(128,)", (0..<128).flatMap { [UInt8($0), 0] }), to: "ids.npy")
    let refused = try Tool.run(arguments, in: bench.folder)
    #expect(refused.status == 65)
    expectError(
      refused,
      "error: bare: no config.json beside this llama checkpoint, and its tensors do not tell "
        + "'num_attention_heads', 'num_key_value_heads', 'rms_norm_eps', 'rope_theta'")
    try bench.folder.write(
      #"{"num_attention_heads":4,"num_key_value_heads":2,"rms_norm_eps":1e-5,"rope_theta":1e4,"tie_word_embeddings":true}"#,
      to: "keys.json")
    let outcome = try Tool.run(arguments + ["--config", "keys.json"], in: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test("weights that are not finite are let through on request")
  func nonfinite() throws {
    var model = try ModelCopy("gpt2")
    // The last position, which rows of 32 do not reach.
    model.change("transformer.wpe.weight") {
      $0.bytes.replaceSubrange(($0.bytes.count - 4)..., with: [0, 0, 0xC0, 0x7F])
    }
    try model.write(to: "odd", in: bench.folder)
    let arguments =
      ["odd", "-q", "-o", "out"]
      + Bench.short("gpt2").dropFirst().map { $0 == "data/corpus.txt" ? "ids.npy" : $0 }
    try bench.folder.write(
      numpy("<u2", "(128,)", (0..<128).flatMap { [UInt8($0), 0] }), to: "ids.npy")
    let refused = try Tool.run(arguments, in: bench.folder)
    #expect(refused.status == 65)
    expectError(
      refused, "tensor 'transformer.wpe.weight': expected finite weights, found one that is not")
    #expect(try Tool.run(arguments + ["--allow-nonfinite"], in: bench.folder).status == 0)
  }

  @Test("a weight that is not finite is found while weights are only rewritten, and by --dry-run")
  func nonfiniteRewrite() throws {
    var model = try ModelCopy("gpt2")
    for name in ["transformer.wpe.weight", "transformer.ln_f.bias"] {
      model.change(name) {
        $0.bytes.replaceSubrange(($0.bytes.count - 4)..., with: [0, 0, 0xC0, 0x7F])
      }
    }
    try model.write(to: "odd", in: bench.folder)
    let first = try Checkpoint(opening: bench.folder.path("odd")).tensors.map(\.name)
      .first { ["transformer.wpe.weight", "transformer.ln_f.bias"].contains($0) }
    let message = "tensor '\(try #require(first))': expected finite weights, found one that is not"
    for extra in [
      ["--threads", "1"], ["--threads", "4"], ["--delta"], ["--dry-run"], ["--run", "run"],
    ] {
      let refused = try Tool.run(
        ["odd", "--stages", "rewrite", "-q", "-o", "out"] + extra, in: bench.folder)
      #expect(refused.status == 65)
      expectError(refused, message)
      #expect(try bench.contents == ["odd"])
    }
    let allowed = ["odd", "--stages", "rewrite", "-q", "-o", "out", "--allow-nonfinite"]
    #expect(try Tool.run(allowed, in: bench.folder).status == 0)
  }

  @Test("what is rewritten names the digests of its sources, as a trained model does")
  func sourceDigests() throws {
    let arguments = ["models/gpt2", "--stages", "rewrite", "-q", "-o"]
    for threads in ["1", "4"] {
      let outcome = try Tool.run(arguments + [threads, "--threads", threads], in: bench.folder)
      #expect(outcome.status == 0)
    }
    let one = try MappedFile(at: bench.folder.path("1"))
    let four = try MappedFile(at: bench.folder.path("4"))
    #expect(one.bytes.copied() == four.bytes.copied())
    for source in try ArtifactReader(at: one.path).manifest.description.provenance.sources {
      let file = bench.folder.path("models/gpt2/\(source.name)")
      let (sha256, bytes) = try ContentDigest.ofFile(at: file)
      #expect(source.sha256 == sha256 && source.bytes == bytes)
    }
  }
}
