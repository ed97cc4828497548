// Exports of artifacts and checkpoints: what is written, and what is refused.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHExport
@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("Export")
struct ExportTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Exports and returns the output's path.
  @discardableResult
  private func export(
    _ source: String, _ target: ExportOptions.Target = .safetensors, to name: String = "out",
    _ change: (inout ExportOptions) -> Void = { _ in }, report: ProgressReport = { _ in }
  ) throws -> String {
    var options = ExportOptions(source: source, target: target)
    options.output = folder.path(name)
    change(&options)
    return try Export(options).run(report: report).output
  }

  /// The artifact of a random model, and the model's folder.
  private func artifact(_ name: String) throws -> (path: String, source: String) {
    let path = folder.path("\(name).hedgehog.safetensors.zst")
    try Artifacts.write(name, to: path)
    return (path, Fixtures.path("golden/forward/\(name)"))
  }

  /// Copies a random GPT-2 with one value of its last bias changed.
  private func copy(_ name: String, to copy: String, with value: Float) throws {
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    try folder.write(
      JSONValue.object(try #require(source.configuration)).text, to: "\(copy)/config.json")
    try SafetensorsWriter.write(
      to: folder.path("\(copy)/model.safetensors"),
      tensors: try source.tensors.map { tensor in
        var bytes = try content(source, tensor.name)
        if tensor.name == "transformer.ln_f.bias" {
          for byte in 0..<4 {
            bytes[12 + byte] = UInt8(truncatingIfNeeded: value.bitPattern >> (8 * byte))
          }
        }
        return (tensor.name, tensor.dtype, tensor.shape, bytes)
      }, metadata: [])
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    let file = try MappedFile(at: path)
    return file.bytes.copied()
  }

  private func content(_ checkpoint: Checkpoint, _ name: String) throws -> [UInt8] {
    try checkpoint.withBytes(of: name) { $0.copied() }
  }

  @Test(
    "the softmax model of an artifact is its source's file, bit for bit", arguments: Models.golden)
  func roundTrip(_ name: String) throws {
    let (path, source) = try artifact(name)
    let output = try export(path) { $0.softmax = true }
    let dropped = try NameMap(Checkpoint(opening: source)).dropped
    if dropped.isEmpty { #expect(try bytes(output) == bytes("\(source)/model.safetensors")) }
    let kept = try Checkpoint(opening: output)
    let original = try Checkpoint(opening: source)
    #expect(kept.tensors.count == original.tensors.count - dropped.count)
    for tensor in kept.tensors {
      #expect(
        try content(kept, tensor.name) == content(original, tensor.name))
    }
    // A checkpoint gives the model it is, whether or not it is asked for, and all that it holds.
    #expect(try bytes(export(source, to: "again")) == bytes("\(source)/model.safetensors"))
  }

  @Test(
    "a Hedgehog export holds every tensor of the artifact, bit for bit", arguments: Models.golden)
  func everything(_ name: String) throws {
    let path = try artifact(name).path
    let expected = try Checkpoint(opening: path)
    let found = try Checkpoint(opening: try export(path))
    #expect(Set(found.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    for tensor in expected.tensors {
      let copy = try #require(found[tensor.name])
      #expect(copy.dtype == tensor.dtype && copy.shape == tensor.shape)
      #expect(
        try content(found, tensor.name)
          == content(expected, tensor.name))
    }
  }

  @Test("shards keep to their size, and with their index they are the model again")
  func shards() throws {
    let (path, source) = try artifact("llama-gqa")
    let output = try export(path, .hf) {
      $0.softmax = true
      $0.shardSize = 6000
    }
    let index = try JSONObject(contentsOf: "\(output)/model.safetensors.index.json")
    let names = try directoryEntries(of: output).filter { $0.hasPrefix("model-") }
    #expect(names.count > 3)
    #expect(names.first == "model-00001-of-0000\(names.count).safetensors")
    let original = try Checkpoint(opening: source)
    #expect(index["metadata"]?["total_size"]?.integer == original.byteCount)
    for name in names {
      let tensors = try SafetensorsFile(at: "\(output)/\(name)").tensors
      let size = tensors.reduce(0) { $0 + $1.byteCount }
      #expect(size <= 6000 || tensors.count == 1)
    }
    let copy = try Checkpoint(opening: output)
    #expect(copy.configuration == original.configuration)
    for tensor in original.tensors {
      #expect(try content(copy, tensor.name) == content(original, tensor.name))
    }
    // Exported once more as one file, the shards are the source's file.
    #expect(try bytes(export(output, to: "one")) == bytes("\(source)/model.safetensors"))
  }

  @Test(
    "--dtype converts the source's floats and leaves the maps alone", arguments: ["f16", "bf16"])
  func types(_ type: String) throws {
    let path = try artifact("bert-classifier").path
    let source = try Checkpoint(opening: path)
    let output = try export(path, .hf) { $0.dtype = type }
    let copy = try Checkpoint(opening: output)
    let target: DType = type == "f16" ? .f16 : .bf16
    for tensor in copy.tensors {
      let isMap = tensor.name.contains("feature_map")
      #expect(tensor.dtype == (isMap ? .f32 : target), "\(tensor.name)")
    }
    let name = "bert.encoder.layer.0.attention.self.query.weight"
    var values = [Float](repeating: 0, count: try #require(source[name]).elementCount)
    var span = values.mutableSpan
    try source.readFloats(of: name, into: &span)
    let stored = target.store(values.span)
    #expect(try content(copy, name) == stored)
    #expect(
      copy.configuration?["dtype"] == .string(type == "f16" ? "float16" : "bfloat16"))
  }

  @Test("a value that the type cannot hold is refused by tensor and element; infinity is kept")
  func overflow() throws {
    try copy("gpt2-base", to: "large", with: 70_000)
    #expect {
      try export(folder.path("large")) { $0.dtype = "f16" }
    } throws: {
      "\($0)".contains(
        "tensor 'transformer.ln_f.bias': expected values that fit F16, found one that is too large"
          + " at element 3")
    }
    #expect(try directoryEntries(of: folder.path) == ["large"])
    try export(folder.path("large"), to: "wide") { $0.dtype = "bf16" }
    try copy("gpt2-base", to: "infinite", with: .infinity)
    let output = try export(folder.path("infinite"), to: "narrow") { $0.dtype = "f16" }
    let written = try Checkpoint(opening: output)
    #expect(try written.firstNonFinite("transformer.ln_f.bias") == 3)
  }

  @Test("an existing output stays unless it is to be replaced, and only by its like")
  func force() throws {
    let path = try artifact("vit-model").path
    let first = try export(path, .hf, to: "model")
    let before = try bytes("\(first)/model.safetensors")
    #expect { try export(path, .hf, to: "model") } throws: { "\($0)".contains("exists already") }
    try export(path, .hf, to: "model/") {
      $0.force = true
      $0.dtype = "f16"
    }
    #expect(try bytes("\(first)/model.safetensors") != before)
    #expect {
      try export(path, .safetensors, to: "model") { $0.force = true }
    } throws: { "\($0)".contains("expected a file to replace") }
    for (file, problem) in [
      ("model/sub/x", "found the folder 'sub'"), ("other/x", "found another"),
    ] {
      let output = String(file.prefix { $0 != "/" })
      try folder.write("precious", to: file)
      #expect {
        try export(path, .hf, to: output) { $0.force = true }
      } throws: { "\($0)".contains(problem) }
      #expect(try bytes(folder.path(file)) == Array("precious".utf8))
    }
    #expect(!(try directoryEntries(of: folder.path)).contains { $0.hasSuffix(".partial") })
  }

  @Test("an input is never replaced")
  func input() throws {
    try copy("gpt2-base", to: "model", with: 0)
    for (source, target, output) in [
      ("model", ExportOptions.Target.hf, "model"),
      ("model/model.safetensors", .safetensors, "model/model.safetensors"),
    ] {
      #expect {
        try export(folder.path(source), target, to: output) { $0.force = true }
      } throws: { "\($0)".contains("expected another name than the inputs'") }
    }
  }

  @Test("the folder of a model whose files are links is never replaced, nor what goes along")
  func linkedInput() throws {
    try copy("gpt2-base", to: "blobs", with: 0)
    try folder.write("{}", to: "blobs/generation_config.json")
    let names = try directoryEntries(of: folder.path("blobs"))
    for name in names { try folder.link("snapshots/1/\(name)", to: "../../blobs/\(name)") }
    for (target, output) in [
      (ExportOptions.Target.hf, "snapshots/1"), (.safetensors, "snapshots/1/model.safetensors"),
      (.safetensors, "blobs/config.json"), (.safetensors, "snapshots/1/generation_config.json"),
    ] {
      #expect {
        try export(folder.path("snapshots/1"), target, to: output) { $0.force = true }
      } throws: { "\($0)".contains("expected another name than the inputs'") }
    }
    #expect(try directoryEntries(of: folder.path("snapshots/1")) == names)
  }

  @Test("what is interrupted leaves nothing behind", arguments: ExportOptions.Target.portable)
  func interruption(_ target: ExportOptions.Target) throws {
    let path = try artifact("llama-mha").path
    for event in 0..<40 {
      var count = 0
      #expect(throws: PipelineError.interrupted(signal: 2)) {
        try export(
          path, target,
          report: { _ in
            count += 1
            if count > event { throw PipelineError.interrupted(signal: 2) }
          })
      }
    }
    #expect(try directoryEntries(of: folder.path) == ["llama-mha.hedgehog.safetensors.zst"])
  }

  @Test("an output that reads back as something else is not published")
  func unfaithful() throws {
    let path = try artifact("gpt2-base").path
    let flip: ProgressReport = { event in
      guard case .verified = event else { return }
      let staging = try #require(
        try directoryEntries(of: folder.path).first { $0.hasSuffix(".partial") })
      let name = "\(staging)/model.safetensors"
      var content = try bytes(folder.path(name))
      content[content.count - 1] ^= 1
      try folder.write(content, to: name)
    }
    #expect {
      try export(path, report: flip)
    } throws: { error in
      guard case PipelineError.unfaithful(_, let problem)? = error as? PipelineError else {
        return false
      }
      return problem.contains("expected other bytes")
    }
    #expect(try directoryEntries(of: folder.path) == ["gpt2-base.hedgehog.safetensors.zst"])
  }

  @Test("weights that training changed are no source's")
  func changed() throws {
    let path = folder.path("a.hedgehog.safetensors.zst")
    try Artifacts.write("gpt2-base", to: path) { tensors in
      let first = tensors[0]
      tensors[0] = ArtifactTensor(
        name: first.name, dtype: .f32, shape: first.shape, origin: .changed,
        bytes: [UInt8](repeating: 0, count: 4 * first.shape.reduce(1, *)))
    }
    #expect {
      try export(path) { $0.softmax = true }
    } throws: { "\($0)".contains("found values changed by training") }
    try export(path)
  }

  @Test("a delta is exported with its base, and only with it")
  func delta() throws {
    let model = Fixtures.path("golden/forward/llama-gqa")
    var conversion = ConversionOptions(model: model, threads: ThreadPolicy.threads)
    conversion.output = folder.path("delta.zst")
    conversion.distillation.steps = 0
    conversion.distillation.rowLimit = 8
    conversion.delta = true
    _ = try Conversion(conversion).run { _ in }
    #expect {
      try export(folder.path("delta.zst"))
    } throws: { "\($0)".contains("hint: pass it with base") }
    #expect(try directoryEntries(of: folder.path) == ["delta.zst"])
    let output = try export(folder.path("delta.zst")) {
      $0.base = model
      $0.softmax = true
    }
    #expect(try bytes(output) == bytes("\(model)/model.safetensors"))
    #expect {
      try export(folder.path("delta.zst"), to: "other") {
        $0.base = Fixtures.path("golden/forward/llama-mha")
      }
    } throws: { "\($0)".contains("tensor") }
  }

  @Test(
    "default names",
    arguments: [
      ("a/b.hedgehog.safetensors.zst", .hf, true, nil, "b-hedgehog-hf"),
      ("a/b.hedgehog.safetensors.zst", .hf, false, nil, "b-hf"),
      ("a/b.hedgehog.safetensors.zst", .safetensors, true, nil, "b.hedgehog.safetensors"),
      ("a/b.hedgehog.safetensors.zst", .safetensors, false, nil, "b.safetensors"),
      ("a/b.hedgehog.safetensors.zst", .safetensors, true, 5, "b-hedgehog-safetensors"),
      ("models/gpt2/", .gguf, false, nil, "gpt2.gguf"),
      ("a/b.hedgehog.safetensors.zst", .onnx, true, nil, "b-hedgehog-onnx"),
      ("x.gguf", .safetensors, false, nil, "x.safetensors"),
    ] as [(String, ExportOptions.Target, Bool, Int?, String)])
  func names(
    _ source: String, _ target: ExportOptions.Target, _ isHedgehog: Bool, _ shardSize: Int?,
    _ expected: String
  ) {
    var options = ExportOptions(source: source, target: target)
    options.shardSize = shardSize
    #expect(options.outputPath(isHedgehog: isHedgehog) == expected)
  }
}

extension ExportOptions.Target {
  /// The targets that every model has.
  static let portable: [ExportOptions.Target] = [.hf, .safetensors, .onnx]
}
