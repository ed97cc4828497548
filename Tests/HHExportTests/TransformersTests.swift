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
      try Expectations.write(of: student, for: Models.input(name), in: "\(folder.path)/\(name)")
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
      try Expectations.write(
        of: runner, for: MapCase.input(of: runner), in: "\(folder.path)/\(name)")
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
      try Expectations.write(of: student, for: Models.input(golden), in: "\(folder.path)/\(name)")
    }
    try judge(folder, models: names)
  }

  @Test("so does every feature map", .needsPython(with: "torch", "transformers"))
  func maps() throws { try compare(MapCase.all) }

  @Test(
    "so does softmax beside linear attention", .needsPython(with: "torch", "transformers"))
  func besides() throws { try compare(MapCase.besides) }

  private func compare(_ cases: [MapCase]) throws {
    let folder = try TemporaryDirectory()
    for each in cases {
      let (artifact, student) = try each.artifact(in: folder)
      try export(artifact, to: each.name, in: folder)
      try Expectations.write(
        of: student, for: MapCase.input(of: student), in: "\(folder.path)/\(each.name)")
    }
    try judge(folder, models: cases.map(\.name))
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
}
