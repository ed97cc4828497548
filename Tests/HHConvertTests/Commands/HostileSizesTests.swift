// Small files that stand for much: refused before memory is filled, and read where that is asked for.

import HHFormat
import HHTestSupport
import Testing

@Suite("Hostile sizes")
struct HostileSizesTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// An artifact of a model with rows of zeros added to its vocabulary, 102 MB in all.
  private func writeBlank() throws {
    let made = try Tool.run(
      ["models/llama", "--stages", "rewrite", "-q", "-o", "a.zst"], in: bench.folder)
    #expect(made.status == 0)
    let reader = try ArtifactReader(at: bench.folder.path("a.zst"))
    var description = reader.manifest.description
    var config = description.architecture.config
    let rows = 400_000
    config["vocab_size"] = .integer(rows)
    description.architecture = .init(name: description.architecture.name, config: config)
    _ = try ArtifactWriter.write(
      to: bench.folder.path("blank.zst"), description: description,
      tensors: try reader.tensors.filter { $0.origin != .state }.map { tensor in
        let bytes = try reader.read(tensor.name)
        var shape = tensor.shape
        if ["model.embed_tokens.weight", "lm_head.weight"].contains(tensor.name) {
          shape[0] = rows
        }
        return ArtifactTensor(
          name: tensor.name, dtype: tensor.dtype, shape: shape, origin: tensor.origin,
          byteCount: 4 * shape.reduce(1, *)
        ) { (range, body) throws(FormatError) in
          // Zeros behind the bytes that are there, made as they are asked for.
          let own = range.clamped(to: 0..<bytes.count)
          let zeros = [UInt8](repeating: 0, count: range.count - own.count)
          try body((Array(bytes[own]) + zeros).raw)
        }
      },
      files: try reader.carriedFiles.map {
        SidecarFile(name: $0.name, content: try reader.readFile($0.name))
      }, options: ArtifactOptions())
    try #require(MappedFile(at: bench.folder.path("blank.zst")).count < 1 << 20)
  }

  @Test("an artifact out of proportion is refused, and --max-unpacked allows it")
  func unpacking() throws {
    try writeBlank()
    #expect(try Tool.run("inspect", "blank.zst", in: bench.folder).status == 0)
    for command in [
      ["verify", "blank.zst"], ["diff", "a.zst", "blank.zst"],
      ["export", "blank.zst", "--to", "hf"], ["generate", "blank.zst", "-p", "a"],
      ["embed", "blank.zst", "-t", "a"], ["bench", "blank.zst"], ["diagnose", "blank.zst"],
      ["eval", "blank.zst", "--task", "lm", "--data", "data/corpus.txt"],
    ] {
      let outcome = try Tool.run(command, in: bench.folder)
      #expect(outcome.status == 69 && outcome.output.isEmpty, "\(outcome)")
      #expect(outcome.errors.hasPrefix("error: blank.zst: seek table: "), "\(outcome)")
      #expect(outcome.errors.contains("\nhint: '--max-unpacked 1"), "\(outcome)")
    }
    let allowed = try Tool.run("verify", "blank.zst", "--max-unpacked", "1GB", in: bench.folder)
    #expect(allowed.status == 0, "\(allowed)")
    let refused = try Tool.run("verify", "blank.zst", "--max-unpacked", "1MB", in: bench.folder)
    #expect(refused.status == 69 && refused.errors.contains("expected at most 1000000"))
  }

  @Test("a run's log of any length is asked for its last line only")
  func log() throws {
    let arguments = ["models/gpt2", "--stages", "rewrite", "--run", "run", "-q", "-o", "out.zst"]
    #expect(try Tool.run(arguments, in: bench.folder).status == 0)
    // A hole: the file system keeps nothing of it.
    let grown = try Tool.shell("truncate -s 1G run/events.jsonl", in: bench.folder)
    #expect(grown.status == 0)
    let outcome = try Tool.run("resume", "run", in: bench.folder)
    #expect(outcome.status == 65, "\(outcome)")
    #expect(outcome.errors.contains("expected lines of at most 1048576 bytes"), "\(outcome)")
  }

  @Test("a vocabulary that is a link out of the model's folder is not handed on either")
  func links() throws {
    try ModelCopy("bert").write(to: "m", in: bench.folder)
    try bench.folder.write("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nsecret\n", to: "secret/words")
    try bench.folder.link("m/vocab.txt", to: "../secret/words")
    for command in [["export", "m", "--to", "gguf", "--drop-head"], ["embed", "m", "-t", "a"]] {
      let outcome = try Tool.run(command, in: bench.folder)
      expectError(outcome, "m/vocab.txt: expected a file of the model's folder, found a link to")
      #expect(outcome.status == 65)
    }
  }

  @Test("images of values out of range leave no artifact", arguments: [Float.nan, 3e38])
  func values(value: Float) throws {
    let bits = (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    let data = (0..<16 * 16 * 16).flatMap { _ in bits }
    try bench.folder.write(numpy("<f4", "(16, 16, 16)", data), to: "x.npy")
    let outcome = try Tool.run(
      "models/vit", "--data", "x.npy", "--steps", "2", "-q", "-o", "out", in: bench.folder)
    #expect(outcome.status == 65, "\(outcome)")
    #expect(outcome.errors.contains("expected finite"), "\(outcome)")
    #expect(!(try bench.contents.contains("out")))
  }
}
