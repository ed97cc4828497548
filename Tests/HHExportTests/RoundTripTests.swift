// Whatever format a model comes in, it comes out of an artifact in that format bit for bit.

import HHCompute
import HHFormat
import HHTestSupport
import HHTraining
import Testing

@testable import HHExport
@testable import HHPipeline

@Suite("Round trips")
struct RoundTripTests {
  /// A model of the table.
  enum Model: String, CaseIterable, Sendable {
    case gpt2, bert, vit
    case llamaMHA = "llama with a key/value head for each head"
    case llamaGQA = "llama with grouped queries"

    /// The golden model that it is made from, for a format.
    func golden(_ format: Format) -> String {
      switch self {
      case .gpt2: "gpt2-base"
      // GGUF has no names for BERT's heads.
      case .bert: format.isGGUF ? "bert-model" : "bert-masked-lm"
      case .vit: format.isGGUF ? "vit-classifier" : "vit-model"
      case .llamaMHA: "llama-mha"
      case .llamaGQA: "llama-gqa"
      }
    }

    /// The head and the tensor that it may be tied to; nil where there is no such head.
    func head(_ format: Format) -> (name: String, tied: String)? {
      switch self {
      case .gpt2: ("lm_head.weight", "transformer.wte.weight")
      case .llamaMHA, .llamaGQA: ("lm_head.weight", "model.embed_tokens.weight")
      case .bert where !format.isGGUF:
        ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight")
      case .bert, .vit: nil
      }
    }
  }

  /// A format of the table.
  enum Format: String, CaseIterable, Sendable {
    case safetensors
    case sharded = "sharded safetensors"
    case ggufF32 = "GGUF F32"
    case ggufF16 = "GGUF F16"
    case ggufBF16 = "GGUF BF16"

    var isGGUF: Bool { self != .safetensors && self != .sharded }
    var dtype: String {
      switch self {
      case .safetensors, .sharded: "keep"
      case .ggufF32: "f32"
      case .ggufF16: "f16"
      case .ggufBF16: "bf16"
      }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let model: Model
    let format: Format
    /// Whether the head is the embeddings; nil where there is no head that could be.
    let isTied: Bool?

    var testDescription: String {
      "\(model.rawValue), \(format.rawValue)" + (isTied.map { $0 ? ", tied" : ", untied" } ?? "")
    }

    static let all = Model.allCases.flatMap { model in
      Format.allCases.flatMap { format in
        (model.head(format) == nil ? [nil] : [true, false]).map {
          Case(model: model, format: format, isTied: $0)
        }
      }
    }
  }

  /// A tensor as a checkpoint lends it.
  private struct Content: Equatable {
    let dtype: DType
    let shape: [Int]
    let bytes: [UInt8]
  }

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("read, write, read; and artifact, export, source", arguments: Case.all)
  func roundTrip(_ each: Case) throws {
    let model = try write(each)
    let source = try export(model, each, to: "source", dtype: each.format.dtype)
    let expected = try contents(source)
    if each.format.dtype == "keep" || each.format == .ggufF32 {
      #expect(expected == (try contents(model)))
    }
    let artifact = directory.path("model.hedgehog.safetensors.zst")
    var options = ConversionOptions(model: source, threads: ThreadPolicy.threads)
    options.output = artifact
    options.distillation.steps = 0
    if each.model != .vit { options.length = 8 }
    _ = try Conversion(options).run { _ in }
    let reader = try ArtifactReader(at: artifact)
    let kept = reader.tensors.filter { $0.origin == .kept }
    #expect(Set(kept.map(\.name)) == Set(expected.keys))
    for tensor in kept {
      #expect(try reader.read(tensor.name) == expected[tensor.name]?.bytes, "\(tensor.name)")
    }
    let again = try export(artifact, each, to: "again", dtype: "keep")
    #expect(try contents(again) == expected)
    // The same tensors in the same order: the same files.
    let (a, b) = (try Checkpoint(opening: source), try Checkpoint(opening: again))
    #expect(a.tensors.map(\.name) == b.tensors.map(\.name))
    for (first, second) in zip(a.files, b.files) {
      let files = try (MappedFile(at: first.path), MappedFile(at: second.path))
      #expect(files.0.bytes.copied() == files.1.bytes.copied())
    }
    #expect(a.files.count == (each.format == .sharded ? max(2, a.files.count) : a.files.count))
  }

  @Test(
    "quantised tensors keep their blocks, bit for bit, through an artifact",
    arguments: ["q4_1", "q8_0", "q5_0"])
  func blocks(_ type: String) throws {
    func export(_ source: String, to name: String, dtype: String, softmax: Bool) throws -> String {
      var options = ExportOptions(source: source, target: .gguf)
      (options.dtype, options.softmax) = (dtype, softmax)
      options.output = directory.path(name)
      return try Export(options).run { _ in }.output
    }
    let llama = Fixtures.path("models/llama")
    let source = try export(llama, to: "source.gguf", dtype: type, softmax: false)
    let artifact = directory.path("llama.hedgehog.safetensors.zst")
    var options = ConversionOptions(model: source, threads: ThreadPolicy.threads)
    options.output = artifact
    options.stages = [.rewrite]
    let conversion = try Conversion(options)
    #expect(conversion.plan.text.contains("in their quantised blocks"))
    _ = try conversion.run { _ in }
    let manifest = try ArtifactReader(at: artifact).manifest
    #expect(manifest.version == .current)
    #expect(manifest.tensors.count { $0.blockType?.name == type.uppercased() } >= 21)
    let again = try export(artifact, to: "again.gguf", dtype: "keep", softmax: true)
    let direct = try export(source, to: "direct.gguf", dtype: "keep", softmax: false)
    let first = try Checkpoint(opening: source)
    for other in [try Checkpoint(opening: artifact), try Checkpoint(opening: again)] {
      for tensor in first.tensors {
        #expect(try other.storedType(of: tensor.name) == first.storedType(of: tensor.name))
        #expect(try Self.digest(tensor, other) == Self.digest(tensor, first), "\(tensor.name)")
        // Parts of the floats are those of the whole.
        let range = 8..<tensor.byteCount - 4
        #expect(
          try other.withBytes(of: tensor.name, in: range) { ContentDigest.of($0) }
            == first.withBytes(of: tensor.name, in: range) { ContentDigest.of($0) })
      }
    }
    #expect(try bytes(again) == bytes(source))
    #expect(try bytes(direct) == bytes(source))
  }

  /// The digest of a tensor's blocks, or of its elements where it has none.
  private static func digest(
    _ tensor: TensorDescriptor, _ checkpoint: Checkpoint
  ) throws -> String {
    guard let type = checkpoint.blockType(of: tensor.name) else {
      return try checkpoint.withBytes(of: tensor.name) { ContentDigest.of($0) }
    }
    let size = try #require(type.byteCount(ofElements: tensor.elementCount))
    return try checkpoint.withBlocks(of: tensor.name, in: 0..<size) { ContentDigest.of($0) }
  }

  /// The tensors of a GGUF file by name, as they lie there.
  private func bytes(_ path: String) throws -> [String: [UInt8]] {
    let file = try GGUFFile(at: path)
    return Dictionary(
      uniqueKeysWithValues: file.tensors.map {
        ($0.name, file.bytes(of: $0).copied())
      })
  }

  /// Writes the folder of a golden model with its head tied or not.
  private func write(_ each: Case) throws -> String {
    let golden = Fixtures.path("golden/forward/\(each.model.golden(each.format))")
    let source = try Checkpoint(opening: golden)
    var configuration = try #require(source.configuration)
    var tensors = try source.tensors.map { tensor in
      (
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        bytes: try source.bytes(of: tensor.name).copied()
      )
    }
    if let isTied = each.isTied, let head = each.model.head(each.format) {
      configuration["tie_word_embeddings"] = .bool(isTied)
      tensors.removeAll { $0.name == head.name }
      if !isTied {
        let tied = try #require(tensors.first { $0.name == head.tied })
        // Its own numbers, in another order, so that it cannot be taken for the embeddings.
        let bytes = stride(from: tied.bytes.count - 4, through: 0, by: -4).flatMap {
          tied.bytes[$0..<$0 + 4]
        }
        tensors.append((head.name, tied.dtype, tied.shape, bytes))
        if let bias = tensors.first(where: { $0.name == "cls.predictions.bias" }) {
          tensors.append(("cls.predictions.decoder.bias", bias.dtype, bias.shape, bias.bytes))
        }
      }
    }
    if each.format.isGGUF {
      // GGUF has no names for these.
      tensors.removeAll { $0.name.contains("pooler") || $0.name.hasSuffix(".attn.bias") }
    }
    try SafetensorsWriter.write(
      to: directory.path("model.safetensors"), tensors: tensors, metadata: [("format", "pt")])
    try directory.write(JSONValue.object(configuration).text, to: "config.json")
    return directory.path
  }

  /// Exports a model in the format of the case, beside its configuration, and returns its path.
  private func export(
    _ model: String, _ each: Case, to name: String, dtype: String
  ) throws -> String {
    var options = ExportOptions(source: model, target: each.format.isGGUF ? .gguf : .safetensors)
    options.dtype = dtype
    options.softmax = true
    if each.format == .sharded { options.shardSize = 20_000 }
    let configuration = try directory.write(
      JSONValue.object(try #require(try Checkpoint(opening: model).configuration)).text,
      to: "\(name)/config.json")
    switch each.format {
    case .safetensors: options.output = directory.path("\(name)/model.safetensors")
    case .sharded: options.output = directory.path("\(name)/shards")
    default: options.output = directory.path("\(name)/model.gguf")
    }
    let summary = try Export(options).run { _ in }
    guard each.format == .sharded else { return summary.output }
    // Shards are a folder of their own, without a configuration.
    let text = try MappedFile(at: configuration)
    try directory.write(text.bytes.copied(), to: "\(name)/shards/config.json")
    return summary.output
  }

  private func contents(_ path: String) throws -> [String: Content] {
    let checkpoint = try Checkpoint(opening: path)
    var contents: [String: Content] = [:]
    for tensor in checkpoint.tensors {
      contents[tensor.name] = try checkpoint.withBytes(of: tensor.name) {
        (bytes) throws(FormatError) in
        Content(dtype: tensor.dtype, shape: tensor.shape, bytes: bytes.copied())
      }
    }
    return contents
  }
}
