// `hh-convert export` as a user runs it.

import Foundation
import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("hh-convert export")
struct ExportCommandTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// Converts a fixture to `NAME.hedgehog.safetensors.zst`.
  private func convert(_ model: String) throws -> String {
    let outcome = try Tool.run(Bench.short(model) + ["-q"], in: bench.folder)
    try #require(outcome.status == 0, "\(outcome)")
    return "\(model).hedgehog.safetensors.zst"
  }

  @Test("every fixture is exported under its default names", arguments: architectures)
  func names(_ model: String) throws {
    let artifact = try convert(model)
    for (arguments, name) in [
      (["--to", "hf"], "\(model)-hedgehog-hf"), (["--to", "hf", "--softmax"], "\(model)-hf"),
      (["--to", "safetensors"], "\(model).hedgehog.safetensors"),
      (["--to", "safetensors", "--softmax"], "\(model).safetensors"),
    ] {
      let outcome = try Tool.run(["export", artifact] + arguments, in: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.hasPrefix("\(name): "))
      #expect(outcome.output.contains("read back and compared"))
    }
    let source = try Data(
      contentsOf: URL(filePath: Fixtures.path("models/\(model)/model.safetensors")))
    #expect(try bench.bytes("\(model).safetensors") == source)
    #expect(
      try bench.contents == [
        artifact, "\(model)-hedgehog-hf", "\(model)-hf", "\(model).hedgehog.safetensors",
        "\(model).safetensors",
      ])
  }

  @Test("--json ends with a summary of the output, --quiet says nothing")
  func json() throws {
    let outcome = try Tool.run(
      "export", "models/gpt2", "--to", "hf", "--shard-size", "200kB", "--json", in: bench.folder)
    let summary = try parse(try #require(outcome.lines.last))
    #expect(summary["event"] == .string("summary"))
    #expect(summary["model"] == .string("softmax"))
    #expect(summary["tensors"] == .integer(40))
    #expect(summary["files"]?.array?.contains(.string("model-00001-of-00003.safetensors")) == true)
    let quiet = try Tool.run(
      "export", "models/gpt2", "--to", "hf", "--force", "-q", in: bench.folder)
    #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty)
  }

  @Test(
    "what cannot be done is refused by name and leaves nothing",
    arguments: [
      (["models/gpt2"], 64, "Missing expected argument '--to"),
      (["models/gpt2", "--to", "tflite"], 64, "hf, safetensors, gguf, onnx, found 'tflite'"),
      (["models/gpt2", "--to", "onnx", "--opset", "99"], 64, "expected 20 to 28, found 99"),
      (["models/gpt2", "--to", "hf", "--opset", "27"], 64, "--opset: expected --to onnx beside"),
      (
        ["models/gpt2", "--to", "onnx", "--linear-attention", "scan"], 64,
        "expected one of onnx, com.microsoft, plain, found 'scan'"
      ),
      (["models/gpt2", "--to", "onnx", "--dtype", "q8_0"], 64, "or bf16 for onnx, found 'q8_0'"),
      (["models/gpt2", "--to", "onnx", "-o", "data/corpus.txt"], 73, "the output exists already"),
      (["models/gpt2", "--to", "hf", "--dtype", "q9"], 64, "--dtype: expected keep, f32, f16 or"),
      (["models/gpt2", "--to", "hf", "--shard-size", "5XB"], 64, "a size such as 5GB or 500MB"),
      (["models/gpt2", "--to", "hf", "--shard-size", "0"], 64, "a size such as 5GB or 500MB"),
      (["models/gpt2", "--to", "hf", "--shard-size", "99999999999GB"], 64, "a size such as"),
      (["models/gpt2", "--to", "hf", "--drop-head"], 64, "--drop-head: expected --to gguf beside"),
      (["models/gpt2", "--to", "safetensors", "--drop-head"], 64, "found --to safetensors"),
      (["models/gpt2", "--to", "hf", "-q", "--json"], 64, "exclude each other"),
      (["absent", "--to", "hf"], 66, "absent: cannot be opened"),
      (["data/corpus.txt", "--to", "hf"], 65, "not a checkpoint"),
      (["models/gpt2", "--to", "hf", "-o", "models"], 73, "the output exists already"),
      (["models/gpt2", "--to", "hf", "-o", "models/gpt2", "--force"], 73, "another name than"),
      (["models/gpt2", "--to", "hf", "-o", "absent/x"], 73, "absent/x: cannot be created"),
    ] as [([String], Int32, String)])
  func refusals(_ arguments: [String], _ status: Int32, _ message: String) throws {
    let outcome = try Tool.run(["export"] + arguments, in: bench.folder)
    expectError(outcome, message)
    #expect(outcome.status == status, "\(outcome)")
    #expect(try bench.contents.isEmpty)
  }

  @Test("a full disk ends it with nothing left behind", arguments: ["hf", "safetensors"])
  func fullDisk(_ target: String) throws {
    let outcome = try Tool.shell(
      "ulimit -f 100\n\"$hh\" export models/gpt2 --to \(target)", in: bench.folder)
    expectError(outcome, "no space left")
    #expect(outcome.status == 74)
    #expect(try bench.contents.isEmpty)
  }

  @Test("a signal ends it with nothing left behind", arguments: [SIGINT, SIGTERM])
  func signals(_ signal: Int32) throws {
    // Enough tensors that the signal comes while they are written or compared.
    var copy = try ModelCopy("gpt2")
    copy.configuration["n_positions"] = .integer(1_000_000)
    copy.change("transformer.wpe.weight") { tensor in
      tensor.shape = [1_000_000, 64]
      tensor.bytes = [UInt8](repeating: 0, count: 256_000_000)
    }
    try copy.write(to: "large", in: bench.folder)
    let outcome = try Tool.run(
      ["export", "large", "--to", "safetensors"], in: bench.folder, until: "written", then: signal)
    #expect(outcome.status == (signal == SIGINT ? 130 : 143), "\(outcome.errors)")
    #expect(outcome.errors.contains("nothing was written"))
    #expect(try bench.contents == ["large"])
  }
}
