// Exported folders in transformers: the same logits as ours, however they are batched.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

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
                folder, trust_remote_code=True, output_loading_info=True, dtype=torch.float32)
            model.eval()
            assert not any(report.values()), f"{loader}: {report}"
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
        return len(loaders)

    def decode(model, ids):
        whole, state, steps = model(ids, use_cache=False).logits, None, []
        for part in ids.split([ids.shape[1] - 3, 1, 2], 1):
            outputs = model(part, past_key_values=state, use_cache=True)
            state = outputs.past_key_values
            steps.append(outputs.logits)
        near("state", torch.cat(steps, 1), whole)
        prompt, plain = ids[:, :5], ids[:, :5]
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
      let input: ModelInput
      if runner.graph.kind == .image {
        let pixels = (0..<512).map { (index: Int) -> Float in Float(index * 37 % 101) / 50 - 1 }
        input = .images(Matrix(rows: 2, columns: 256, pixels))
      } else {
        let vocabulary = runner.graph.vocabularySize
        let ids = (0..<160).map { (index: Int) -> Int32 in Int32(index * 61 % vocabulary) }
        input = .tokens(TokenBatch(ids: ids, length: 80, validLengths: [80, 47]))
      }
      try expectations(of: runner, for: shortened(input, runner), in: "\(folder.path)/\(name)")
    }
    try judge(folder, models: ["gpt2", "llama", "bert", "vit"])
  }

  /// The input cut to the model's positions.
  private func shortened(_ input: ModelInput, _ runner: ModelRunner) -> ModelInput {
    guard case .tokens(let batch) = input, runner.graph.maximumLength < batch.length else {
      return input
    }
    return .tokens(
      TokenBatch(ids: Array(batch.ids.prefix(120)), length: 60, validLengths: [60, 47]))
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
