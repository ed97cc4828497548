// ONNX models in ONNX Runtime: our logits, at once, piece by piece, and padded.

import HHCompute
import HHData
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHExport
@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("ONNX Runtime", .needsPython(with: "onnx", "onnxruntime"))
struct ONNXRuntimeTests {
  /// Judges every model below the given folder. `expected.safetensors` beside each holds inputs and
  /// what we compute. Prints a line for each, `ok` or what is wrong.
  private static let judge = """
    import glob, os, sys
    import numpy as np, onnx, onnxruntime
    from safetensors.numpy import load_file

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # models are small; threads that wait for each other cost more

    def near(name, a, b, valid=None):
        assert a.shape == b.shape, f"{name}: shapes {a.shape} and {b.shape}"
        difference = np.abs(a - b)
        if valid is not None: difference = difference[valid]
        assert difference.max() <= 1e-4, f"{name}: {difference.max()}"
        return float(difference.max())

    def run(session, inputs):
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs)))

    def start(session, rows):
        sizes = {"batch_size": rows, "past_sequence_length": 0}
        return {
            each.name: np.zeros([sizes.get(size, size) for size in each.shape], np.float32)
            for each in session.get_inputs() if each.name.startswith("past_key_values.")}

    def follow(outputs):
        return {
            name.replace("present.", "past_key_values."): value
            for name, value in outputs.items() if name.startswith("present.")}

    def check(path):
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        want = load_file(os.path.dirname(path) + "/expected.safetensors")
        given = {each.name for each in session.get_inputs()}
        inputs = {key: value for key, value in want.items() if key in given}
        if "token_type_ids" in given: inputs.setdefault("token_type_ids", np.zeros_like(want["input_ids"]))
        rows = len(next(iter(inputs.values())))
        empty = start(session, rows)
        outputs = run(session, {**inputs, **empty})
        valid = want["attention_mask"].astype(bool) if "attention_mask" in want else None
        worst = 0
        for name, key in (("last_hidden_state", "hidden"), ("pooler_output", "pooled"), ("logits", "logits")):
            if name not in outputs: continue
            perToken = valid is not None and outputs[name].ndim == 3
            worst = max(worst, near(name, outputs[name], want[key], valid if perToken else None))
        if empty: worst = max(worst, decode(session, inputs["input_ids"], valid, outputs, empty))
        return f"{worst:.1e}"

    def decode(session, ids, valid, outputs, empty):
        # Rows with padding before their first token, in pieces of several lengths.
        name = "logits" if "logits" in outputs else "last_hidden_state"
        lengths = valid.sum(1)
        turned = [np.stack([np.roll(row, len(row) - n, 0) for row, n in zip(x, lengths)])
                  for x in (ids, valid, outputs[name])]
        tokens, mask, whole = turned
        state, place, found = empty, 0, []
        for size in (len(tokens[0]) // 2, 5, 1, 1, 2, 1, len(tokens[0])):
            end = min(place + size, len(tokens[0]))
            if end == place: break
            part = run(session, {
                "input_ids": tokens[:, place:end], "attention_mask": mask[:, :end].astype(np.int64), **state})
            state, place = follow(part), end
            found.append(part[name])
        return near("piece by piece", np.concatenate(found, 1), whole, mask)

    for path in sorted(glob.glob(sys.argv[1] + "/*/model.onnx")):
        name = os.path.basename(os.path.dirname(path))
        try: print(name, "ok", check(path), flush=True)
        except Exception as error: print(name, type(error).__name__, str(error)[:600], flush=True)
    """

  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func export(
    _ source: String, to name: String, of runner: ModelRunner, _ input: ModelInput,
    _ change: (inout ExportOptions) -> Void = { _ in }
  ) throws {
    var options = ExportOptions(source: source, target: .onnx)
    options.output = folder.path(name)
    change(&options)
    _ = try Export(options).run { _ in }
    try Expectations.write(of: runner, for: input, in: folder.path(name))
  }

  private func judge(_ names: [String]) throws {
    let result = try Python.run(Self.judge, [folder.path])
    let lines = result.output.split(separator: "\n").map(String.init)
    for name in names {
      #expect(lines.contains { $0.hasPrefix("\(name) ok ") }, "\(name): \(result.output)")
    }
  }

  private func compare(_ cases: [MapCase], _ operators: [ONNXLinearAttention]) throws {
    var names: [String] = []
    for each in cases {
      let (artifact, student) = try each.artifact(in: folder)
      for choice in operators {
        let name = "\(each.name)-\(choice.rawValue)"
        names.append(name)
        try export(artifact, to: name, of: student, MapCase.input(of: student)) {
          $0.linearAttention = choice
        }
      }
    }
    try judge(names)
  }

  @Test("a Hedgehog model gives our logits for every random model")
  func hedgehog() throws {
    for name in Models.golden {
      let student = try Models.golden(name).rewritten()
      Artifacts.disturb(student)
      let artifact = folder.path("\(name).zst")
      try Artifacts.write(name, to: artifact, maps: student)
      try export(artifact, to: name, of: student, Models.input(name))
    }
    try judge(Models.golden)
  }

  @Test("so does the softmax model of every checkpoint")
  func softmax() throws {
    for name in Models.golden {
      let runner = try Models.golden(name)
      try export(
        Fixtures.path("golden/forward/\(name)"), to: name, of: runner, Models.input(name))
    }
    try judge(Models.golden)
  }

  @Test("so does every feature map")
  func maps() throws { try compare(MapCase.all, [.standard]) }

  @Test("so does softmax beside linear attention, with every operator that sums it")
  func besides() throws { try compare(MapCase.besides, ONNXLinearAttention.allCases) }

  @Test("so do scaled features with the other operators")
  func operators() throws {
    let cases = MapCase.all.filter { $0.name.contains("hedgehog-exponential") }
    try compare(cases, [.microsoft, .plain])
  }

  @Test("so do the trained fixtures by default, their weights in files beside the model")
  func fixtures() throws {
    let names = ["gpt2", "llama", "bert", "vit"]
    for name in names {
      var conversion = ConversionOptions(
        model: Fixtures.path("models/\(name)"), threads: ThreadPolicy.threads)
      conversion.output = folder.path("\(name).zst")
      conversion.length = name == "vit" ? nil : 32
      conversion.distillation.steps = 8
      conversion.distillation.rowLimit = 16
      _ = try Conversion(conversion).run { _ in }
      let runner = try ConvertedModel(opening: folder.path("\(name).zst")).runner()
      try export(folder.path("\(name).zst"), to: name, of: runner, MapCase.input(of: runner)) {
        $0.shardSize = 100_000
      }
    }
    try judge(names)
  }

  @Test("so does a decoder's classifier, whose rows are padded or end in the padding token")
  func decoderClassifiers() throws {
    let names = ["llama-classifier", "llama-classifier-ends"]
    for name in names {
      let student = try ModelRunner(opening: Fixtures.path("golden/wild/\(name)")).rewritten()
      Artifacts.disturb(student)
      let artifact = folder.path("\(name).zst")
      try Artifacts.write(name, in: "golden/wild", to: artifact, maps: student)
      let golden = try GoldenTensors(Fixtures.path("golden/wild/expected/\(name).safetensors"))
      try export(artifact, to: name, of: student, Models.input(golden))
    }
    try judge(names)
  }
}
