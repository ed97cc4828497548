// Exported folders in transformers: the same logits as ours, however they are batched.

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

@Suite("transformers")
struct TransformersTests {
  /// Judges every folder below the given one. `expected.safetensors` in each holds inputs and what
  /// we compute. Prints a line for each, `ok` or what is wrong.
  private static let judge = """
    import glob, json, os, sys, warnings
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1")
    os.environ["HF_MODULES_CACHE"] = sys.argv[1] + "/modules"
    import torch, transformers
    from safetensors.torch import load_file
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    torch.set_num_threads(1)  # models are small; threads that wait for each other on a busy machine cost minutes

    def near(name, a, b, valid=None):
        difference = (a - b).abs()
        if valid is not None: difference = difference[valid]
        assert a.shape == b.shape and difference.max() <= 2e-4, f"{name}: {difference.max()}"

    def left(x, mask):
        return torch.stack([row.roll(int((1 - m).sum()), 0) for row, m in zip(x, mask)])

    @torch.no_grad()
    def check(folder):
        config = json.load(open(folder + "/config.json"))
        want = load_file(folder + "/expected.safetensors")
        inputs = {key: want[key] for key in ("input_ids", "attention_mask", "token_type_ids", "pixel_values") if key in want}
        mask = inputs.get("attention_mask")
        valid = mask.bool() if mask is not None else None
        loaders = [name for name in config.get("auto_map", {"AutoModel": 0}) if name != "AutoConfig"]
        if "hedgehog" not in config: loaders = ["AutoModelForCausalLM"]
        for loader in loaders:
            model, report = getattr(transformers, loader).from_pretrained(
                folder, trust_remote_code=True, output_loading_info=True)
            model.float().eval()
            assert not any(report.values()), f"{loader}: {report}"
            if config.get("hedgehog", {}).get("feature_map") == "performer":
                assert not any("feature_map" in name for name, _ in model.named_parameters()), "trained directions"
            outputs = model(**inputs)
            if loader == "AutoModel":
                near("hidden", outputs.last_hidden_state, want["hidden"], valid)
                if "pooled" in want: near("pooled", outputs.pooler_output, want["pooled"])
                continue
            rows = want["logits"].dim() == 2
            near(loader, outputs.logits, want["logits"], None if rows else valid)
            if mask is not None:
                turned = {key: left(value, mask) for key, value in inputs.items()}
                # A classifier reads the first position, which is padding then.
                if not rows:
                    near("left-padded", model(**turned).logits, left(want["logits"], mask), turned["attention_mask"].bool())
            if loader == "AutoModelForCausalLM" and "hedgehog" in config: decode(model, inputs["input_ids"])
        if "hedgehog" in config: refuse(model)
        return len(loaders)

    def refuse(model):
        fresh = type(model)(model.config)
        assert all(part.isfinite().all() for part in fresh.parameters()), "first weights"
        model.config.hedgehog["feature_map"] = "nonsense"
        try: type(model)(model.config)
        except ValueError as error: assert "found nonsense" in str(error) and "\\n" not in str(error), error
        else: raise AssertionError("a map without a name that is known")

    def decode(model, ids):
        whole, state, steps = model(ids, use_cache=False).logits, None, []
        half = ids.shape[1] // 2
        for part in ids.split([half, 2] + [1] * (ids.shape[1] - half - 2), 1):
            outputs = model(part, past_key_values=state, use_cache=True)
            state = outputs.past_key_values
            steps.append(outputs.logits)
        near("state", torch.cat(steps, 1), whole)
        padded = torch.cat((ids[:, :half], torch.zeros_like(ids[:, :3])), 1)
        mask = (torch.arange(half + 3) < half).long().expand(len(ids), -1)
        # What follows goes on from the last token, not from the padding.
        state = model(padded, attention_mask=mask, use_cache=True).past_key_values
        part = ids[:, half:half + 2]
        outputs = model(
            part, attention_mask=torch.cat((mask, torch.ones_like(part)), 1), past_key_values=state, use_cache=True)
        near("state, padded", outputs.logits, whole[:, half:half + 2])
        prompt = ids[:, :5]
        options = dict(max_new_tokens=8, min_new_tokens=8, do_sample=False, pad_token_id=0)
        made = model.generate(prompt, attention_mask=torch.ones_like(prompt), **options)
        again = model.generate(prompt, attention_mask=torch.ones_like(prompt), use_cache=False, **options)
        assert torch.equal(made, again), f"generate: {made} {again}"
        padding = torch.zeros(len(prompt), 3, dtype=torch.long)
        padded = model.generate(
            torch.cat((padding, prompt), 1), attention_mask=torch.cat((padding, torch.ones_like(prompt)), 1), **options)
        assert torch.equal(padded[:, 3:], made), f"generate, padded: {padded} {made}"
        beams = model.generate(prompt, attention_mask=torch.ones_like(prompt), num_beams=3, **options)
        plain = model.generate(prompt, attention_mask=torch.ones_like(prompt), num_beams=3, use_cache=False, **options)
        assert torch.equal(beams, plain), f"beams: {beams} {plain}"

    for folder in sorted(glob.glob(sys.argv[1] + "/*/config.json")):
        folder = os.path.dirname(folder)
        try: print(os.path.basename(folder), "ok", check(folder), flush=True)
        except Exception as error: print(os.path.basename(folder), type(error).__name__, error, flush=True)
    """

  @Test(
    "a Hedgehog folder gives our logits for every random model, padded on either side, and decodes",
    .needsPython(with: "torch", "transformers"))
  func hedgehog() throws {
    let folder = try TemporaryDirectory()
    for name in Models.golden {
      let student = try Models.golden(name).rewritten()
      Artifacts.disturb(student)
      let artifact = folder.path("\(name).zst")
      try Artifacts.write(name, to: artifact, maps: student)
      try export(artifact, to: name, in: folder)
      try expectations(of: student, for: Models.input(name), in: "\(folder.path)/\(name)")
    }
    try judge(folder, models: Models.golden)
  }

  @Test("so do the trained fixtures, in shards", .needsPython(with: "torch", "transformers"))
  func fixtures() throws {
    let folder = try TemporaryDirectory()
    for name in ["gpt2", "llama", "bert", "vit"] {
      var conversion = ConversionOptions(
        model: Fixtures.path("models/\(name)"), threads: ThreadPolicy.threads)
      conversion.output = folder.path("\(name).zst")
      conversion.length = name == "vit" ? nil : 32
      conversion.distillation.steps = 8
      conversion.distillation.rowLimit = 16
      _ = try Conversion(conversion).run { _ in }
      try export(folder.path("\(name).zst"), to: name, in: folder) { $0.shardSize = 100_000 }
      let model = try ConvertedModel(opening: folder.path("\(name).zst"))
      let runner = try model.runner()
      try expectations(of: runner, for: input(of: runner), in: "\(folder.path)/\(name)")
    }
    try judge(folder, models: ["gpt2", "llama", "bert", "vit"])
  }

  @Test(
    "so does a decoder's classifier, whose rows are padded or end in the padding token",
    .needsPython(with: "torch", "transformers"))
  func decoderClassifiers() throws {
    let folder = try TemporaryDirectory()
    let names = ["llama-classifier", "llama-classifier-ends"]
    for name in names {
      let student = try ModelRunner(opening: Fixtures.path("golden/wild/\(name)")).rewritten()
      Artifacts.disturb(student)
      let artifact = folder.path("\(name).zst")
      try Artifacts.write(name, in: "golden/wild", to: artifact, maps: student)
      try export(artifact, to: name, in: folder)
      let golden = try GoldenTensors(
        Fixtures.path("golden/wild/expected/\(name).safetensors"))
      try expectations(of: student, for: Models.input(golden), in: "\(folder.path)/\(name)")
    }
    try judge(folder, models: names)
  }

  /// A fixture under some feature map.
  struct MapCase {
    let model: String
    /// Where the fixture lies; random models are in another folder than trained ones.
    var folder: String { model.contains("-") ? "golden/forward" : "models" }
    let settings: LinearAttentionSettings
    let name: String

    init(
      _ model: String, _ kind: FeatureMapKind, _ variant: String = "",
      _ change: (inout LinearAttentionSettings) -> Void = { _ in }
    ) {
      self.model = model
      var settings = LinearAttentionSettings(kind)
      change(&settings)
      self.settings = settings
      name = "\(model)-\(kind.rawValue)\(variant)"
    }

    static let all: [MapCase] =
      FeatureMapKind.allCases.flatMap { kind in
        ["gpt2", "llama"].map { MapCase($0, kind) }
      } + [
        MapCase("bert", .negatedExponential), MapCase("bert", .cosformer),
        MapCase("vit", .negatedExponential), MapCase("vit", .cosformer),
        MapCase("llama", .negatedExponential, "-narrow") {
          $0.bias = false
          $0.dimension = 5
        },
        MapCase("llama", .rectifiedProjection, "-shared") {
          $0.sharing = .allHeads
          $0.dimension = 24
        },
        MapCase("llama", .exponential, "-own") { $0.sharing = .queryHead },
        MapCase("gpt2", .performer, "-wide") { $0.dimension = 40 },
        MapCase("gpt2", .exponentialOfInput, "-cold") { $0.constant = 0.75 },
        MapCase("llama", .cosformer, "-far") { $0.constant = 1000 },
      ]

    /// Softmax beside linear attention: within a window, and in layers that keep it.
    static let besides = [
      MapCase("llama", .splitSoftmax, "-window") { $0.window = 16 },
      MapCase("llama", .taylor, "-window") {
        $0.window = 1
        $0.sharing = .queryHead
      },
      MapCase("llama", .cosformer, "-window") { $0.window = 70 },
      MapCase("gpt2", .elu, "-window") { $0.window = 200 },
      MapCase("llama", .splitSoftmax, "-sinks") { ($0.window, $0.sinks) = (16, 4) },
      MapCase("llama", .splitSoftmax, "-logits") {
        ($0.window, $0.windowFactor, $0.positions) = (16, .sigmoid, .kept)
      },
      MapCase("llama", .elu, "-dropped") { $0.positions = .dropped },
      MapCase("gpt2", .elu, "-sinks") { ($0.window, $0.sinks) = (1, 2) },
      MapCase("llama", .cosformer, "-sinks") { ($0.window, $0.sinks) = (5, 40) },
      MapCase("gpt2-inverse-layer", .splitSoftmax, "-window") {
        $0.window = 3
        $0.softmaxLayers = [1]
      },
      MapCase("llama", .splitSoftmax, "-kept") { $0.softmaxLayers = [0, 2] },
      MapCase("gpt2", .negatedExponential, "-kept") { $0.softmaxLayers = [1] },
      MapCase("bert", .splitSoftmax, "-kept") { $0.softmaxLayers = [0] },
      MapCase("vit", .splitSoftmax, "-kept") { $0.softmaxLayers = [1, 2] },
    ]
  }

  @Test("so does every feature map", .needsPython(with: "torch", "transformers"))
  func maps() throws { try compare(MapCase.all) }

  @Test(
    "so does softmax beside linear attention", .needsPython(with: "torch", "transformers"))
  func besides() throws { try compare(MapCase.besides) }

  private func compare(_ cases: [MapCase]) throws {
    let folder = try TemporaryDirectory()
    for each in cases {
      let path = Fixtures.path("\(each.folder)/\(each.model)")
      let student = try ModelRunner(opening: path).rewritten(each.settings)
      Artifacts.disturb(student)
      let plan = try Graph(NameMap(Checkpoint(opening: path))).rewritten(each.settings).plan
      let artifact = folder.path("\(each.name).zst")
      try Artifacts.write(
        each.model, in: each.folder, to: artifact, plan: plan, maps: student,
        linearAttention: each.settings.description(plan: plan))
      try export(artifact, to: each.name, in: folder)
      try expectations(of: student, for: input(of: student), in: "\(folder.path)/\(each.name)")
    }
    try judge(folder, models: cases.map(\.name))
  }

  /// Two rows, one of them padded, or two images.
  private func input(of runner: ModelRunner) -> ModelInput {
    if runner.graph.kind == .image {
      let pixels = (0..<512).map { (index: Int) -> Float in Float(index * 37 % 101) / 50 - 1 }
      return .images(Matrix(rows: 2, columns: 256, pixels))
    }
    let (length, vocabulary) = (min(runner.graph.maximumLength, 80), runner.graph.vocabularySize)
    let ids = (0..<2 * length).map { (index: Int) -> Int32 in Int32(index * 61 % vocabulary) }
    return .tokens(
      TokenBatch(ids: ids, length: length, validLengths: [length, min(47, length - 3)]))
  }

  private func export(
    _ source: String, to name: String, in folder: TemporaryDirectory,
    _ change: (inout ExportOptions) -> Void = { _ in }
  ) throws {
    var options = ExportOptions(source: source, target: .hf)
    options.output = folder.path(name)
    change(&options)
    _ = try Export(options).run { _ in }
  }

  private func judge(_ folder: TemporaryDirectory, models: [String]) throws {
    let result = try Python.run(Self.judge, [folder.path])
    let lines = result.output.split(separator: "\n").map(String.init)
    for name in models {
      #expect(lines.contains { $0.hasPrefix("\(name) ok ") }, "\(result.output)")
    }
  }

  /// Writes an input and everything that we compute from it beside an exported model.
  private func expectations(
    of runner: ModelRunner, for input: ModelInput, in folder: String
  ) throws {
    var tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])] = []
    func add(_ name: String, _ shape: [Int], _ values: [Float]) {
      tensors.append((name, .f32, shape, DType.f32.store(values.span) ?? []))
    }
    func add(_ name: String, _ shape: [Int], _ values: [Int]) {
      let bytes = values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      }
      tensors.append((name, .i64, shape, bytes))
    }
    let rows = input.rowCount
    let length = runner.length(of: input)
    switch input {
    case .tokens(let batch):
      add("input_ids", [rows, length], batch.ids.map(Int.init))
      let lengths = batch.validLengths ?? Array(repeating: length, count: rows)
      add(
        "attention_mask", [rows, length],
        lengths.flatMap { valid in (0..<length).map { $0 < valid ? 1 : 0 } })
      if let types = batch.tokenTypes {
        add("token_type_ids", [rows, length], types.map(Int.init))
      }
    case .images(let pixels):
      guard case .patchEmbedding(let patches)? = runner.graph.nodes.first?.operation else { return }
      let side = patches.imageSize
      add("pixel_values", [rows, patches.channelCount, side, side], pixels.values)
    }
    let outputs = try runner.outputs(for: input)
    add("hidden", [rows, length, runner.graph.hiddenSize], outputs.hidden.values)
    if let pooled = outputs.pooled { add("pooled", [rows, pooled.columns], pooled.values) }
    if let logits = outputs.logits {
      let perToken = logits.rows != rows
      add("logits", (perToken ? [rows, length] : [rows]) + [logits.columns], logits.values)
    }
    try SafetensorsWriter.write(
      to: "\(folder)/expected.safetensors", tensors: tensors, metadata: [])
  }
}
