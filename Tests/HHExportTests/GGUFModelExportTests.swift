// Models as GGUF files and back: tensors bit for bit, configuration, tokenizer.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHExport
@testable import HHModel
@testable import HHPipeline

@Suite("GGUFModelExport")
struct GGUFModelExportTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func options(
    _ type: GGMLType?, dropsHead: Bool = true
  ) -> GGUFModelExport.Options {
    var options = GGUFModelExport.Options()
    options.type = type
    options.dropsHead = dropsHead
    return options
  }

  private func export(
    _ checkpoint: Checkpoint, _ options: GGUFModelExport.Options = .init()
  ) throws -> Checkpoint {
    let export = try GGUFModelExport(
      checkpoint: checkpoint, names: NameMap(checkpoint),
      tokenizer: try TokenizerLoader.load(of: checkpoint), files: ModelFiles(of: checkpoint),
      options: options)
    let paths = try export.write(to: directory.path("model.gguf"))
    return try Checkpoint(opening: try #require(paths.first))
  }

  private func floats(_ checkpoint: Checkpoint, _ tensor: TensorDescriptor) throws -> [Float] {
    var values = [Float](repeating: .nan, count: tensor.elementCount)
    var span = values.mutableSpan
    try checkpoint.readFloats(of: tensor.name, into: &span)
    return values
  }

  /// Models whose settings a GGUF file of their architecture can tell.
  static let models = [
    "bert-classifier", "bert-model", "bert-old-names", "gpt2-base",
    "gpt2-model-f16", "llama-bf16", "llama-bias-linear-rope", "llama-gqa", "llama-llama3-rope",
    "llama-mha", "llama-mqa-head-dim", "vit-classifier", "vit-memory-names", "vit-model",
    "vit-no-qkv-bias",
  ]
  static let types: [GGMLType?] = [nil, .f32, .f16, .bf16]

  @Test("a model written and read again has its tensors, bit for bit", arguments: models, types)
  func roundTrip(_ name: String, _ type: GGMLType?) throws {
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    let names = try NameMap(source)
    let copy = try export(source, options(type))
    let found = try NameMap(copy)
    #expect(found.schema.architecture == names.schema.architecture)
    let isEncoder = names.schema.kind == .encoder
    let dropped = ["pooler.", "classifier.", "masked.", "nextSentence."]
    let kept = names.entries.filter { entry in
      !(isEncoder && dropped.contains { entry.role.hasPrefix($0) })
    }
    #expect(Set(found.entries.map(\.role)) == Set(kept.map(\.role)))
    for entry in kept {
      let tensor = try #require(found[entry.role]).tensor
      #expect(tensor.shape == entry.tensor.shape, "\(entry.role)")
      let original = try floats(source, entry.tensor)
      // What the stored type makes of the values: the same where it is wide enough.
      let span = original.span
      var expected = original
      var output = expected.mutableSpan
      let bytes = tensor.dtype.store(span)
      let stored = try #require(bytes)
      _ = tensor.dtype.convert(stored.raw, to: &output)
      #expect(
        try floats(copy, tensor).map(\.bitPattern) == expected.map(\.bitPattern), "\(entry.role)")
      if type == nil, tensor.dtype != .f32 { #expect(tensor.dtype == entry.tensor.dtype) }
    }
  }

  @Test("a model written and read again computes the same", arguments: models)
  func sameOutputs(_ name: String) throws {
    let folder = Fixtures.path("golden/forward/\(name)")
    let input = try Models.input(try GoldenTensors("\(folder)/expected.safetensors"))
    let copy = try export(Checkpoint(opening: folder), options(nil))
    let expected = try ModelRunner(opening: folder).outputs(for: input)
    let outputs = try ModelRunner(opening: copy.path).outputs(for: input)
    // The divisors of Llama 3's frequencies are rounded to float32 in the file.
    let tolerance: Float = name == "llama-llama3-rope" ? 5e-5 : 0
    #expect(maximumDifference(outputs.hidden.values, expected.hidden.values) <= tolerance)
    guard let logits = outputs.logits, let wanted = expected.logits else {
      #expect(name.hasPrefix("bert") || expected.logits == nil)
      return
    }
    #expect(maximumDifference(logits.values, wanted.values) <= tolerance)
  }

  @Test(
    "the tokenizer goes along and gives the same tokens", arguments: ["gpt2", "bert", "llama"])
  func tokenizer(_ name: String) throws {
    let source = try Checkpoint(opening: Fixtures.path("models/\(name)"))
    let copy = try export(source, options(nil))
    let first = try #require(try TokenizerLoader.load(of: source))
    let second = try #require(try TokenizerLoader.load(of: copy))
    #expect(second.special == first.special)
    #expect(second.frame == first.frame)
    #expect(second.vocabularySize >= first.vocabularySize)
    let text = try readText(at: Fixtures.path("data/held-out.txt"))
    // GGUF has no word for Llama's class, in which a space that begins a text takes no mark before it.
    let spaced = name == "llama" ? "two  spaces" : "  two  spaces"
    for line in text.split(separator: "\n").prefix(60) + ["", "\(spaced)", "Größe ✓ 漢字"] {
      let ids = first.encodeForModel(String(line))
      #expect(second.encodeForModel(String(line)) == ids, "\(line)")
      #expect(second.decode(ids) == first.decode(ids))
    }
  }

  @Test(
    "an artifact made from a GGUF model has its tokenizer", arguments: ["gpt2", "bert", "llama"])
  func carriedTokenizer(_ name: String) throws {
    let gguf = try export(Checkpoint(opening: Fixtures.path("models/\(name)")), options(nil))
    var conversion = ConversionOptions(model: gguf.path, threads: ThreadPolicy.threads)
    conversion.stages = [.rewrite]
    conversion.output = directory.path("model.hh")
    _ = try Conversion(conversion).run { _ in }
    let first = try #require(try TokenizerLoader.load(of: gguf))
    let second = try OpenedModel(opening: directory.path("model.hh")).tokenizer()
    #expect(second.special == first.special)
    #expect(second.frame == first.frame)
    let text = try readText(at: Fixtures.path("data/held-out.txt"))
    for line in text.split(separator: "\n").prefix(20) {
      #expect(second.encodeForModel(String(line)) == first.encodeForModel(String(line)))
    }
  }

  @Test("how images are normalised goes along")
  func images() throws {
    try ModelCopy("vit").write(to: "vit", in: directory)
    try directory.write(
      #"{"image_mean": [0.25], "image_std": 2}"#,
      to: "vit/preprocessor_config.json")
    let source = try Checkpoint(opening: directory.path("vit"))
    let channels = try NameMap(source).hyperparameters.integer("channelCount")
    let first = try ImageNormalization(ModelFiles(of: source), channels: channels)
    let copy = try export(source)
    #expect(try ImageNormalization(ModelFiles(of: copy), channels: channels) == first)
    try directory.write(#"{"rescale_factor": 1}"#, to: "vit/preprocessor_config.json")
    #expect(throws: FormatError.self) { try export(source) }
  }

  @Test("what a GGUF model cannot say is refused, naming the setting or the tensors")
  func refuses() throws {
    func error(_ name: String, _ type: GGMLType? = nil) throws -> FormatError {
      let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
      return try #require(throws: FormatError.self) {
        try export(source, options(type, dropsHead: false))
      }
    }
    let relu = try error("gpt2-relu-unprefixed")
    #expect(relu.kind == .unsupported && relu.place == "key 'activation_function'")
    #expect(try error("gpt2-inverse-layer").place == "key 'scale_attn_by_inverse_layer_idx'")
    let head = try error("bert-masked-lm")
    #expect(head.problem.contains("'cls.predictions."))
    #expect(head.remedy?.settings == [.dropHead])
  }

  @Test("a setting that the given configuration lacks is not taken from the source's metadata")
  func removedSetting() throws {
    let path = Fixtures.path("golden/gguf/llama-bias-linear-rope.gguf")
    let source = try Checkpoint(opening: path)
    #expect(source.ggufFiles[0].value("llama.rope.scaling.type") == .string("linear"))
    var configuration = try #require(source.configuration)
    #expect(configuration["rope_scaling"] != nil)
    configuration["rope_scaling"] = nil
    let given = try directory.write(JSONValue.object(configuration).text, to: "plain.json")
    var replacing = options(nil)
    replacing.replacing = true
    let again = try export(source, replacing)
    #expect(again.configuration?["rope_scaling"] == source.configuration?["rope_scaling"])
    let copy = try export(Checkpoint(opening: path, configuration: given), replacing)
    #expect(copy.configuration?["rope_scaling"] == nil)
    let keys = copy.ggufFiles[0].header.metadata.map { $0.key }
    #expect(!keys.contains { $0.contains("rope.scaling") })
    // What no configuration says stays.
    let own = source.ggufFiles[0].header.metadata.map { $0.key }
    #expect(Set(own.filter { $0.hasPrefix("general.") }).isSubset(of: keys))
  }

  @Test("the file type is that of most matrices, whatever type was asked for")
  func fileType() throws {
    // Rows of 64 are no whole blocks of Q4_K.
    let source = try Checkpoint(opening: Fixtures.path("models/gpt2"))
    for (type, expected) in [
      (.q4K, .q5_0), (.q8_0, .q8_0), (.f16, .f16), (nil, .f32),
    ] as [(GGMLType?, GGMLType)] {
      let number = try #require(expected.fileType)
      var replacing = options(type)
      replacing.replacing = true
      let file = try export(source, replacing).ggufFiles[0]
      #expect(file.value("general.file_type") == .uint32(number), "\(expected)")
    }
    #expect(GGUFModelExport.mostFrequent([.q8_0, .f16, .f32, .f16, .q8_0]) == .f16)
    #expect(GGUFModelExport.mostFrequent([]) == nil)
  }
}
