// The road to GPUs and back: an export trained by PyTorch on two processes becomes an artifact again.

import HHCompute
import HHData
import HHExport
import HHFormat
import HHTestSupport
import HHTraining
import ModelTestSupport
import Testing

@testable import HHModel
@testable import HHPipeline

@Suite("The way back")
struct WayBackTests {
  /// What every program here begins with.
  private static let opening = """
    import os, sys, warnings
    base = sys.argv[1]
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1")
    os.environ["HF_MODULES_CACHE"] = base + "/modules"
    import torch, transformers
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    torch.set_num_threads(1)

    def load(folder, loader="AutoModelForCausalLM"):
        return getattr(transformers, loader).from_pretrained(folder, trust_remote_code=True).float().train()

    """

  /// Compares gradients: for every folder named, `gradients.safetensors` has a batch and what we have.
  private static let gradients =
    opening + """
      from safetensors.torch import load_file
      for word in sys.argv[2:]:
          name, loader = word.split(":")
          want = load_file(f"{base}/{name}/gradients.safetensors")
          batch = {key: want.pop(key) for key in ("input_ids", "attention_mask", "labels", "pixel_values") if key in want}
          model = load(f"{base}/{name}", loader)
          model(**batch).loss.backward()
          worst, names = 0, set()
          for key, parameter in model.named_parameters():
              if parameter.grad is None: continue
              names.add(key)
              assert key in want, f"{name}: {key}: a gradient that we have not"
              ours = want[key].reshape(parameter.shape)
              # Some are zero but for rounding, such as that of a key's bias under softmax.
              error = ((ours - parameter.grad).abs().max() / (parameter.grad.abs().max() + 5e-3)).item()
              assert error <= 1e-4, f"{name}: {key}: {error}"
              worst = max(worst, error)
          assert not set(want) - names, f"{name}: {set(want) - names}"
          print(name, "ok", len(names), worst, flush=True)
      """

  @Test(
    "gradients of exported models are ours for every parameter",
    .needsPython(with: "torch", "transformers"))
  func gradients() throws {
    let folder = try TemporaryDirectory()
    let cases: [(name: String, loader: String)] = [
      ("gpt2-base", "AutoModelForCausalLM"), ("llama-gqa", "AutoModelForCausalLM"),
      ("llama-mha", "AutoModelForCausalLM"), ("bert-masked-lm", "AutoModelForMaskedLM"),
      ("bert-classifier", "AutoModelForSequenceClassification"),
      ("vit-classifier", "AutoModelForImageClassification"),
    ]
    for (name, _) in cases {
      let student = try Models.golden(name).rewritten()
      Artifacts.disturb(student)
      try Artifacts.write(name, to: folder.path("\(name).hst"), maps: student)
      let exported = try Artifacts.export(folder.path("\(name).hst"), .hf, to: folder.path(name))
      try writeGradients(of: exported, for: Models.input(name))
    }
    let result = try Python.run(
      Self.gradients, [folder.path] + cases.map { "\($0.name):\($0.loader)" })
    for (name, _) in cases { #expect(result.output.contains("\(name) ok "), "\(result.output)") }
  }

  /// Writes a batch and the gradients that our own backward pass has for it beside a model.
  private func writeGradients(of folder: String, for input: ModelInput) throws {
    let model = try ConvertedModel(opening: folder)
    let runner = try model.runner()
    let rows = input.rowCount
    let length = runner.length(of: input)
    var tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])] = []
    func add(_ name: String, _ shape: [Int], _ values: [Int]) {
      let bytes = values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      }
      tensors.append((name, .i64, shape, bytes))
    }
    func add(_ name: String, _ values: [Float], _ shape: [Int]) {
      tensors.append((name, .f32, shape, DType.f32.store(values.span) ?? []))
    }
    let objective: Objective
    let classes = runner.graph.classCount.map { count in (0..<rows).map { Int32($0 % count) } }
    switch input {
    case .tokens(let batch):
      let lengths = batch.validLengths ?? Array(repeating: length, count: rows)
      let isValid = lengths.flatMap { valid in (0..<length).map { $0 < valid } }
      add("input_ids", [rows, length], batch.ids.map(Int.init))
      add("attention_mask", [rows, length], isValid.map { $0 ? 1 : 0 })
      let labels = zip(batch.ids, isValid).map { $1 ? $0 : Objective.noLabel }
      if let classes {
        objective = .classes(classes)
        add("labels", [rows], classes.map(Int.init))
      } else {
        objective = runner.graph.hasLanguageModelHead ? .nextToken : .maskedTokens(labels)
        add("labels", [rows, length], labels.map(Int.init))
      }
    case .images(let pixels):
      guard case .patchEmbedding(let patches)? = runner.graph.nodes.first?.operation,
        let classes
      else { return }
      let side = patches.imageSize
      add("pixel_values", pixels.values, [rows, patches.channelCount, side, side])
      objective = .classes(classes)
      add("labels", [rows], classes.map(Int.init))
    }
    // Token types of this batch are none for transformers.
    let plain: ModelInput =
      if case .tokens(let batch) = input {
        .tokens(TokenBatch(ids: batch.ids, length: length, validLengths: batch.validLengths))
      } else { input }
    let parameters = try TrainableParameters(
      of: runner, trained: .everything, reaching: objective.kind)
    _ = try GradientRunner(model: runner, parameters: parameters).lossAndGradients(plain, objective)
    let maps = model.plan.exportedNames(model.names)
    for parameter in parameters.all {
      let values = parameter.gradient.values
      add(maps[ByteKey(parameter.name)] ?? parameter.name, values, [values.count])
    }
    try SafetensorsWriter.write(
      to: "\(folder)/gradients.safetensors", tensors: tensors, metadata: [])
  }

  /// Trains a folder with two processes, by DDP and by FSDP, and one with an adapter.
  private static let training =
    opening + """
      import torch.distributed as dist
      import torch.multiprocessing as mp
      from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
      from torch.distributed.fsdp import fully_shard
      from torch.nn.parallel import DistributedDataParallel

      def steps(run, seed, vocabulary):
          optimizer = torch.optim.AdamW([p for p in run.parameters() if p.requires_grad], 1e-3)
          ids = torch.randint(0, vocabulary, (4, 16), generator=torch.Generator().manual_seed(seed))
          for _ in range(3):
              loss = run(ids, labels=ids).loss
              loss.backward()
              optimizer.step()
              optimizer.zero_grad()
          return loss.item()

      def train(rank, kind):
          dist.init_process_group("gloo", init_method=f"file://{base}/{kind}.store", rank=rank, world_size=2)
          model = run = load(base + "/exported")
          if kind == "fsdp":
              mesh = dist.device_mesh.init_device_mesh("cpu", (2,))
              for module in list(model.modules()):
                  if type(module).__name__ == "HedgehogLayer": fully_shard(module, mesh=mesh)
              fully_shard(model, mesh=mesh)
          else: run = DistributedDataParallel(model)
          steps(run, rank, model.config.vocab_size)
          state = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
          if rank == 0: model.save_pretrained(f"{base}/{kind}", state_dict=state)
          dist.barrier()
          dist.destroy_process_group()

      def adapt():
          from peft import LoraConfig, get_peft_model
          settings = LoraConfig(
              r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], modules_to_save=["feature_map.query", "feature_map.key"], task_type="CAUSAL_LM")
          model = get_peft_model(load(base + "/exported"), settings)
          steps(model, 0, model.config.vocab_size)
          model.save_pretrained(base + "/adapter")
          model.merge_and_unload().save_pretrained(base + "/merged")

      if __name__ == "__main__":
          load(base + "/exported")  # so that processes find its code
          if sys.argv[2] == "adapter": adapt()
          else: mp.spawn(train, (sys.argv[2],), nprocs=2)
          print("done", flush=True)
      """

  /// Writes the program to a file, from which processes that it starts can read it, and runs it.
  private func train(_ kind: String, in folder: TemporaryDirectory) throws {
    let file = try folder.write(Self.training, to: "train.py")
    let result = try Python.run(
      "import subprocess, sys; sys.exit(subprocess.run([sys.executable] + sys.argv[1:]).returncode)",
      [file, folder.path, kind])
    try #require(result.output.contains("done"), "\(result.output)")
  }

  private func bytes(_ checkpoint: Checkpoint, _ name: String) throws -> [UInt8] {
    try checkpoint.withBytes(of: name) { $0.copied() }
  }

  @Test(
    "what two processes trained comes back, tensor for tensor",
    .needsPython(with: "torch", "transformers"),
    arguments: ["ddp", "fsdp"])
  func distributed(_ kind: String) throws {
    let export = try TrainedExport("llama-gqa")
    try train(kind, in: export.directory)
    let folder = export.directory.path(kind)
    let (summary, packed) = try export.packed(folder)
    #expect(summary.counts["unchanged"] == .integer(0) && summary.counts["added"] == .integer(0))
    let saved = try ConvertedModel(opening: folder)
    for tensor in packed.tensors {
      #expect(
        try bytes(packed, tensor.name) == bytes(saved.checkpoint, tensor.name), "\(tensor.name)")
    }
    let said = packed.artifact?.manifest.description.provenance.recipe["pack"]?["said"]
    #expect(said?["config.json"]?["transformers_version"]?.string != nil)
    // It runs as the folder does.
    let input = try Models.input("llama-gqa")
    let (ours, theirs) = (try ConvertedModel(opening: summary.output).runner(), try saved.runner())
    #expect(
      try ours.outputs(for: input).logits?.values == theirs.outputs(for: input).logits?.values)
  }

  @Test(
    "an adapter that PEFT trained is merged as PEFT merges it",
    .needsPython(with: "torch", "transformers", "peft"))
  func adapter() throws {
    let export = try TrainedExport("llama-gqa")
    try train("adapter", in: export.directory)
    let (summary, packed) = try export.packed(export.directory.path("adapter"))
    let merged = try ConvertedModel(opening: export.directory.path("merged")).checkpoint
    var changed = 0
    for tensor in packed.tensors {
      let difference = maximumDifference(
        try packed.floats(of: tensor.name), try merged.floats(of: tensor.name))
      #expect(difference <= 1e-6, "\(tensor.name)")
      let before = try Checkpoint(opening: export.artifact)
      if try bytes(packed, tensor.name) != bytes(before, tensor.name) { changed += 1 }
    }
    #expect(summary.counts["changed"] == .integer(changed) && changed > 4)
    let said = packed.artifact?.manifest.description.provenance.recipe["pack"]?["said"]
    #expect(said?["adapter_config.json"]?["r"] == .integer(4))
  }
}
