// The folder for transformers: its files, names and settings, without Python.

import HHCompute
import HHFormat
import HHTestSupport
import HHTraining
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHExport
@testable import HHModel
@testable import HHPipeline

@Suite("HuggingFaceExport")
struct HuggingFaceExportTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func export(_ name: String, _ settings: LinearAttentionSettings = .init()) throws
    -> String
  {
    let artifact = folder.path("\(name).hedgehog.safetensors.zst")
    let plan = try Graph(Models.names(name)).rewritten(settings).plan
    try Artifacts.write(
      name, to: artifact, plan: plan, linearAttention: settings.description(plan: plan))
    var options = ExportOptions(source: artifact, target: .hf)
    options.output = folder.path("out")
    return try Export(options).run { _ in }.output
  }

  @Test(
    "tensors have the names that transformers saves today, maps stand beside the projections",
    arguments: [
      (
        "gpt2-relu-unprefixed", "transformer.h.1.attn.c_attn.weight",
        "transformer.h.1.attn.feature_map.query.weight"
      ),
      (
        "bert-old-names", "bert.encoder.layer.2.output.LayerNorm.weight",
        "bert.encoder.layer.2.attention.self.feature_map.key.bias"
      ),
      (
        "bert-model", "encoder.layer.1.attention.self.key.bias",
        "encoder.layer.1.attention.self.feature_map.key.weight"
      ),
      (
        "vit-memory-names", "vit.encoder.layer.0.attention.attention.query.weight",
        "vit.encoder.layer.0.attention.attention.feature_map.query.bias"
      ),
      (
        "llama-gqa", "model.layers.1.self_attn.k_proj.weight",
        "model.layers.1.self_attn.feature_map.key.weight"
      ),
    ])
  func names(_ model: String, _ kept: String, _ map: String) throws {
    let output = try export(model)
    let checkpoint = try Checkpoint(opening: output)
    let artifact = try Checkpoint(opening: folder.path("\(model).hedgehog.safetensors.zst"))
    #expect(checkpoint[kept] != nil)
    #expect(checkpoint[map]?.dtype == .f32)
    #expect(checkpoint.tensors.count == artifact.tensors.count)
    #expect(!checkpoint.tensors.contains { $0.name.hasPrefix("layers.0.attention.feature_map") })
  }

  @Test(
    "the configuration names our classes and says what the model has",
    arguments: [
      ("gpt2-base", "HedgehogGPT2LMHeadModel", ["AutoModelForCausalLM"], [] as [String]),
      ("llama-mha", "HedgehogLlamaForCausalLM", ["AutoModelForCausalLM"], []),
      ("bert-model", "HedgehogBertModel", [], ["pooler"]),
      ("bert-masked-lm", "HedgehogBertForMaskedLM", ["AutoModelForMaskedLM"], []),
      (
        "bert-classifier", "HedgehogBertForSequenceClassification",
        ["AutoModelForSequenceClassification"], ["pooler"]
      ),
      ("vit-model", "HedgehogViTModel", [], ["pooler"]),
      (
        "vit-classifier", "HedgehogViTForImageClassification", ["AutoModelForImageClassification"],
        []
      ),
    ])
  func configuration(
    _ model: String, _ architecture: String, _ heads: [String], _ modules: [String]
  ) throws {
    let json = try JSONObject(contentsOf: "\(try export(model))/config.json")
    let source = try JSONObject(contentsOf: Fixtures.path("golden/forward/\(model)/config.json"))
    let kind = try #require(source["model_type"]?.string)
    #expect(json["architectures"] == .array([.string(architecture)]))
    #expect(json["model_type"] == .string("hedgehog_\(kind)"))
    #expect(
      json["auto_map"]?.object?.keys.filter { $0 != "AutoConfig" && $0 != "AutoModel" } == heads)
    #expect(
      json["auto_map"]?[heads.first ?? "AutoModel"] == .string("modeling_hedgehog.\(architecture)"))
    let settings = try #require(json["hedgehog"])
    #expect(settings["feature_map"] == .string("hedgehog-softmax-split"))
    #expect(settings["epsilon"] == .number(1e-12))
    let parts = settings["modules"]?.array?.compactMap(\.string) ?? []
    #expect(modules.allSatisfy(parts.contains))
    for (key, value) in source.pairs where !["architectures", "model_type"].contains(key) {
      #expect(value == .null || json[key] == value, "\(key)")
    }
  }

  @Test(
    "every feature map leaves with its settings and its parameters, and the code knows it",
    arguments: FeatureMapKind.allCases)
  func maps(_ kind: FeatureMapKind) throws {
    let output = try export("llama-gqa", LinearAttentionSettings(kind))
    let json = try JSONObject(contentsOf: "\(output)/config.json")
    let settings = try #require(json["hedgehog"])
    #expect(settings["feature_map"] == .string(kind.rawValue))
    #expect(settings["bias"] == .bool(kind.canHaveBias))
    #expect((settings["constant"] != nil) == kind.hasConstant)
    #expect(settings["key_maps"] == .string(kind == .performer ? "all-heads" : "key-value-head"))
    let checkpoint = try Checkpoint(opening: output)
    for side in ["query", "key"] {
      let stem = "model.layers.0.self_attn.feature_map.\(side)"
      #expect((checkpoint["\(stem).weight"] != nil) == kind.hasDimension)
      #expect((checkpoint["\(stem).bias"] != nil) == kind.canHaveBias)
    }
    let code = try text("\(output)/linear_attention.py")
    let entry = try #require(
      code.split(separator: "\n").first { $0.hasPrefix("    \"\(kind.rawValue)\": Kind(") })
    #expect(entry.contains("weight=False") == !kind.hasDimension)
    #expect(entry.contains("logarithms=True") == kind.storesLogScales)
    let card = try text("\(output)/README.md")
    #expect(card.contains("Hedgehog linear attention") == kind.rawValue.hasPrefix("hedgehog"))
    #expect(card.contains("feature maps φ(x) = "))
  }

  @Test(
    "what stands beside linear attention leaves too: a window, sinks, layers that keep softmax",
    arguments: [(3, nil, []), (nil, nil, [0]), (4, 2, [0])] as [(Int?, Int?, [Int])])
  func besides(_ window: Int?, _ sinks: Int?, _ kept: [Int]) throws {
    var settings = LinearAttentionSettings()
    (settings.window, settings.sinks) = (window, sinks)
    settings.softmaxLayers = kept
    let output = try export("gpt2-base", settings)
    let json = try #require(try JSONObject(contentsOf: "\(output)/config.json")["hedgehog"])
    #expect(json["window"]?.integer == window && json["sinks"]?.integer == sinks)
    #expect((json["softmax_layers"]?.array ?? []).compactMap(\.integer) == kept)
    let checkpoint = try Checkpoint(opening: output)
    for layer in 0..<2 {
      let stem = "transformer.h.\(layer).attn.feature_map"
      #expect((checkpoint["\(stem).query.weight"] != nil) == !kept.contains(layer))
      #expect(
        (checkpoint["\(stem).window"] != nil) == (window != nil && !kept.contains(layer)))
    }
    let card = try text("\(output)/README.md")
    #expect(card.contains("Softmax attention stays in layer 0. ") == !kept.isEmpty)
    #expect(card.contains(" in all ") == kept.isEmpty)
    #expect(card.contains("There is no tokenizer here"))
    #expect(card.contains("nearest keys of a query") == (window != nil))
    #expect(card.contains("query and the first 2 of the sequence keep softmax") == (sinks != nil))
  }

  private func text(_ path: String) throws -> String {
    let file = try MappedFile(at: path)
    return String(decoding: file.bytes.copied(), as: UTF8.self)
  }

  @Test("the card tells sources, recipe and quality, and takes a licence from the source's card")
  func card() throws {
    let model = Fixtures.path("models/vit")
    try folder.write("---\nlicense: mit  \ntags: [a]\n---\n# Source\n", to: "model/README.md")
    try folder.write("Anyone may.\n", to: "model/LICENSE")
    for name in ["config.json", "model.safetensors", "preprocessor_config.json"] {
      let file = try MappedFile(at: "\(model)/\(name)")
      try folder.write(file.bytes.copied(), to: "model/\(name)")
    }
    var conversion = ConversionOptions(model: folder.path("model"), threads: ThreadPolicy.threads)
    conversion.output = folder.path("a.hedgehog.safetensors.zst")
    conversion.distillation.steps = 2
    conversion.distillation.rowLimit = 8
    _ = try Conversion(conversion).run { _ in }
    var options = ExportOptions(source: folder.path("a.hedgehog.safetensors.zst"), target: .hf)
    options.output = folder.path("out")
    _ = try Export(options).run { _ in }
    let files = try directoryEntries(of: folder.path("out"))
    #expect(
      files == [
        "LICENSE", "README.md", "SOURCE_README.md", "config.json", "linear_attention.py",
        "model.safetensors",
        "modeling_hedgehog.py", "preprocessor_config.json",
      ])
    let card = try text(folder.path("out/README.md"))
    let digest = try ContentDigest.ofFile(at: "\(model)/model.safetensors").sha256
    for text in [
      "---\nlibrary_name: transformers\n", "\nlicense: mit\n", digest, "| 0 | ", "| 2 | ", "seed 0",
      "whose softmax attention was replaced", "trained to give the attention weights",
      "AutoModelForImageClassification.from_pretrained(\"out\", trust_remote_code=True)",
    ] {
      #expect(card.contains(text), "\(text)")
    }
  }

  @Test("a softmax folder is the source's: its configuration, its files, no code")
  func softmax() throws {
    let source = Fixtures.path("models/gpt2")
    var options = ExportOptions(source: source, target: .hf)
    options.output = folder.path("out")
    _ = try Export(options).run { _ in }
    #expect(try directoryEntries(of: folder.path("out")) == directoryEntries(of: source))
    for name in try directoryEntries(of: source) where name != "config.json" {
      let (a, b) = (
        try MappedFile(at: "\(source)/\(name)"), try MappedFile(at: folder.path("out/\(name)"))
      )
      #expect(a.bytes.copied() == b.bytes.copied(), "\(name)")
    }
    #expect(
      try JSONObject(contentsOf: folder.path("out/config.json"))
        == JSONObject(contentsOf: "\(source)/config.json"))
  }

  @Test("members that name a stranger's code are left out and named", arguments: [false, true])
  func foreignCode(softmax: Bool) throws {
    var copy = try ModelCopy("gpt2")
    copy.configuration["auto_map"] = ["AutoModel": "evil/repo--modeling.Evil"]
    copy.configuration["custom_pipelines"] = ["p": ["impl": "evil.Pipeline"]]
    try copy.write(to: "model", in: folder)
    try folder.write(
      #"{"tokenizer_class":"GPT2Tokenizer","auto_map":{"AutoTokenizer":["tokenization_evil.T",null]}}"#,
      to: "model/tokenizer_config.json")
    for name in ["vocab.json", "merges.txt"] {
      let file = try MappedFile(at: Fixtures.path("models/gpt2/\(name)"))
      try folder.write(file.bytes.copied(), to: "model/\(name)")
    }
    for name in ["tokenization_evil.py", "torch.py", "LICENSE.py", "pytorch_model.bin"] {
      try folder.write("raise SystemExit(1)", to: "model/\(name)")
    }
    try folder.write("Use `trust_remote_code=True`.", to: "model/README.md")
    var conversion = ConversionOptions(model: folder.path("model"), threads: ThreadPolicy.threads)
    conversion.output = folder.path("a.zst")
    conversion.stages = [.rewrite]
    _ = try Conversion(conversion).run { _ in }
    var options = ExportOptions(source: folder.path("a.zst"), target: .hf)
    options.output = folder.path("out")
    options.softmax = softmax
    var warnings: [String] = []
    _ = try Export(options).run {
      if case .warning(let text) = $0 { warnings.append(text.description) }
    }
    #expect(warnings.contains { $0.contains("'config.json': 'auto_map', 'custom_pipelines' left") })
    #expect(warnings.contains { $0.contains("'tokenizer_config.json': 'auto_map' left out") })
    #expect(warnings.contains { $0.contains("this model needs none") } == softmax)
    for name in try directoryEntries(of: folder.path("out")) {
      #expect(!(try text(folder.path("out/\(name)"))).contains("evil"), "\(name)")
    }
    let ours = ["linear_attention.py", "modeling_hedgehog.py"]
    let code = try directoryEntries(of: folder.path("out")).filter { $0.hasSuffix(".py") }
    #expect(code == (softmax ? [] : ours))
    let json = try JSONObject(contentsOf: folder.path("out/config.json"))
    #expect((json["auto_map"] == nil) == softmax && json["custom_pipelines"] == nil)
    if !softmax {
      let card = try text(folder.path("out/README.md"))
      #expect(card.contains("tokenizer = AutoTokenizer.from_pretrained(\"out\")\n"))
    }
  }

  @Test("the tokenizer of a model from GGUF becomes files, in an artifact's folder too")
  func ggufTokenizer() throws {
    func export(_ source: String, to target: ExportOptions.Target, _ name: String) throws -> String
    {
      var options = ExportOptions(source: source, target: target)
      options.output = folder.path(name)
      return try Export(options).run { _ in }.output
    }
    let source = Fixtures.path("models/llama")
    let gguf = try export(source, to: .gguf, "llama.gguf")
    var conversion = ConversionOptions(model: gguf, threads: ThreadPolicy.threads)
    conversion.output = folder.path("llama.zst")
    conversion.stages = [.rewrite]
    _ = try Conversion(conversion).run { _ in }
    let words = "the cat sat, and  the dog\n ran 12"
    let ids = try #require(try TokenizerLoader.load(beside: source)).encodeForModel(words)
    for (source, name) in [(gguf, "softmax"), (folder.path("llama.zst"), "hedgehog")] {
      let output = try export(source, to: .hf, name)
      let tokenizer = try #require(try TokenizerLoader.load(beside: output))
      #expect(tokenizer.encodeForModel(words) == ids)
      #expect(try directoryEntries(of: output).contains("tokenizer_config.json"))
      let generation = try JSONObject(contentsOf: "\(output)/generation_config.json")
      let eos = try #require(tokenizer.special.eos)
      #expect(generation["eos_token_id"]?.integer == Int(eos))
      let configuration = try JSONObject(contentsOf: "\(output)/config.json")
      #expect(configuration["eos_token_id"]?.integer == Int(eos))
    }
    let card = try text(folder.path("hedgehog/README.md"))
    #expect(card.contains("tokenizer = AutoTokenizer.from_pretrained(\"hedgehog\")\n"))
  }

  @Test("a model from GGUF gets a configuration that transformers can do with")
  func gguf() throws {
    var options = ExportOptions(
      source: Fixtures.path("golden/gguf/llama-bias-linear-rope.gguf"), target: .hf)
    options.output = folder.path("out")
    var warnings: [String] = []
    _ = try Export(options).run {
      if case .warning(let text) = $0 { warnings.append(text.description) }
    }
    #expect(warnings.count == 1 && warnings[0].contains("no vocabulary"), "\(warnings)")
    let json = try JSONObject(contentsOf: folder.path("out/config.json"))
    #expect(json["architectures"] == .array([.string("LlamaForCausalLM")]))
    #expect(json["model_type"] == .string("llama"))
    #expect(json["rms_norm_eps"]?.double == 1e-5)
    #expect(json["rope_scaling"]?["factor"]?.double == 4)
  }

  @Test("a rotary scaling of our own leaves with our code only, and in GGUF")
  func ownScaling() throws {
    var copy = try ModelCopy(golden: "llama-gqa")
    copy.configuration["rope_scaling"] = .object([
      "rope_type": .string("frequency_factors"),
      "factors": .array([.number(1), .number(2), .number(5)]),
    ])
    let source = try copy.write(to: "model", in: folder)
    func export(
      _ source: String, to target: ExportOptions.Target, _ name: String, softmax: Bool = false
    ) throws -> String {
      var options = ExportOptions(source: source, target: target)
      options.output = folder.path(name)
      options.softmax = softmax
      return try Export(options).run { _ in }.output
    }
    let gguf = try export(source, to: .gguf, "model.gguf")
    var conversion = ConversionOptions(model: gguf, threads: ThreadPolicy.threads)
    let artifact = folder.path("model.zst")
    conversion.output = artifact
    conversion.stages = [.rewrite]
    _ = try Conversion(conversion).run { _ in }
    for source in [source, gguf, artifact] {
      let error = #expect(throws: FormatError.self) {
        try export(source, to: .hf, "softmax", softmax: true)
      }
      #expect(error?.kind == .unsupported && error?.place == "key 'rope_scaling.rope_type'")
      #expect(error?.problem.hasSuffix("found 'frequency_factors'") == true)
      #expect(error?.remedy == "export with \(.target, "gguf"), which keeps it")
      #expect(!isPresent(folder.path("softmax")))
    }
    let output = try export(artifact, to: .hf, "hedgehog")
    let scaling = try JSONObject(contentsOf: "\(output)/config.json")["rope_scaling"]
    #expect(scaling?["rope_type"]?.string == "frequency_factors")
    #expect(scaling?["factors"]?.array?.compactMap(\.double) == [1, 2, 5])
  }
}
