// Adapters in PEFT's layout: names and shapes, and the logits that PEFT gives with them.

import Foundation
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHExport
@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("AdapterFolder")
struct AdapterFolderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Converts a fixture with adapters of rank 3.
  private func convert(_ name: String, _ change: (inout ConversionOptions) -> Void = { _ in })
    throws
  {
    var options = ConversionOptions(
      model: Fixtures.path("models/\(name)"), threads: ThreadPolicy.threads)
    options.output = directory.path("\(name).hh")
    options.adapter = directory.path("\(name).adapter")
    options.length = 32
    options.distillation.steps = 4
    options.distillation.rowLimit = 16
    options.finetuning.steps = 4
    options.finetuning.learningRate = 0.01
    var settings = LowRankSettings()
    (settings.rank, settings.alpha) = (3, 12)
    options.finetuning.lora = settings
    change(&options)
    _ = try Conversion(options).run { _ in }
  }

  /// Stands for anything that ends a conversion while it writes the artifact.
  private struct Stop: Error {}

  @Test("where the artifact cannot be written there is no adapter either")
  func order() throws {
    var options = ConversionOptions(
      model: Fixtures.path("models/gpt2"), threads: ThreadPolicy.threads)
    (options.output, options.adapter) = (directory.path("out"), directory.path("adapter"))
    options.length = 16
    options.distillation.steps = 1
    options.distillation.rowLimit = 8
    options.finetuning.steps = 1
    options.finetuning.lora = LowRankSettings()
    let conversion = try Conversion(options)
    #expect(throws: Stop.self) {
      _ = try conversion.run { event in
        if case .progress(.written) = event { throw Stop() }
      }
    }
    #expect(try directoryEntries(of: directory.path).isEmpty)
  }

  @Test(
    "every adapted module has a thin pair of matrices under its name in transformers",
    arguments: [
      ("llama", "model.layers.0.self_attn.q_proj", 4, [64, 64]),
      ("gpt2", "transformer.h.2.attn.c_attn", 2, [64, 192]),
      ("bert", "encoder.layer.1.attention.output.dense", 4, [64, 64]),
    ])
  func layout(_ name: String, _ module: String, _ perLayer: Int, _ sizes: [Int]) throws {
    try convert(name)
    let folder = directory.path("\(name).adapter")
    let tensors = try SafetensorsFile(at: "\(folder)/adapter_model.safetensors").tensors
    let configuration = try JSONObject(contentsOf: "\(folder)/adapter_config.json")
    let modules = configuration["target_modules"]?.array?.compactMap(\.string) ?? []
    let found = try #require(modules.first { $0.hasSuffix(module) })
    #expect(modules.count == 3 * perLayer && tensors.count == 2 * modules.count)
    func shape(_ part: String) -> [Int]? {
      tensors.first { $0.name == "base_model.model.\(found).\(part).weight" }?.shape
    }
    #expect(shape("lora_A") == [3, sizes[0]])
    #expect(shape("lora_B") == [sizes[1], 3])
    #expect(configuration["r"]?.integer == 3 && configuration["lora_alpha"]?.double == 12)
    #expect(configuration["fan_in_fan_out"]?.bool == (name == "gpt2"))
    #expect(throws: FormatError.self) { try convert(name) { $0.force = false } }
  }

  /// Loads the exported Hedgehog model with the source's own weights, puts the adapters on it, and
  /// compares it with the exported model, whose weights have them merged.
  private static let judge = """
    import os, sys, warnings
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    os.environ["HF_MODULES_CACHE"] = sys.argv[3] + "/modules"
    warnings.simplefilter("ignore")
    import peft, torch, transformers
    from safetensors.torch import load_file
    def model():
        return transformers.AutoModelForCausalLM.from_pretrained(
            sys.argv[2], trust_remote_code=True, dtype=torch.float32).eval()
    ids = torch.arange(66).view(2, 33) * 5 % 400
    with torch.no_grad():
        want, base = model()(input_ids=ids).logits, model()
        assert not base.load_state_dict(load_file(sys.argv[1] + "/model.safetensors"), strict=False).unexpected_keys
        before = (base(input_ids=ids).logits - want).abs().max()
        adapted = peft.PeftModel.from_pretrained(base, sys.argv[3]).eval()
        after = (adapted(input_ids=ids).logits - want).abs().max()
    assert before > 1e-2, f"the adapters change nothing: {before}"
    assert after <= 2e-4, f"{after} beside {before}"
    print("ok")
    """

  @Test(
    "PEFT gives our logits with them", .needsPython(with: "torch", "transformers", "peft"),
    arguments: ["llama", "gpt2"])
  func peft(_ name: String) throws {
    try convert(name)
    var options = ExportOptions(source: directory.path("\(name).hh"), target: .hf)
    options.output = directory.path("\(name)-hf")
    _ = try Export(options).run { _ in }
    let result = try Python.run(
      Self.judge,
      [
        Fixtures.path("models/\(name)"), directory.path("\(name)-hf"),
        directory.path("\(name).adapter"),
      ])
    #expect(result.output.hasSuffix("ok\n"), "\(result.output)")
  }

  @Test("adapters that are not trained cannot be written")
  func refused() {
    #expect(throws: PipelineError.self) {
      try convert("gpt2") { $0.finetuning.lora = nil }
    }
    #expect(throws: PipelineError.self) { try convert("gpt2") { $0.finetuning.steps = 0 } }
  }
}
