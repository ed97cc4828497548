// Trained models that get a new classifier.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("NewClassifier")
struct NewClassifierTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func bytes(_ checkpoint: Checkpoint, _ name: String) throws -> [UInt8] {
    try checkpoint.bytes(of: name).copied()
  }

  @Test(
    "the blocks are the checkpoint's bit for bit, the classifier is new, other heads are gone",
    arguments: [("bert", 3), ("vit", 5)])
  func writes(_ name: String, classes: Int) throws {
    let base = Fixtures.path("models/\(name)")
    let path = directory.path("new")
    try NewClassifier(classCount: classes, path: base, configuration: nil)
      .write(to: path, seed: 2)
    let (old, new) = (try Checkpoint(opening: base), try Checkpoint(opening: path))
    let (oldNames, newNames) = (try NameMap(old), try NameMap(new))
    #expect(try Graph(newNames).classCount == classes)
    #expect(try Graph(newNames).attentions == Graph(oldNames).attentions)
    #expect(!newNames.holds("masked.transform.weight") && newNames.dropped.isEmpty)
    for entry in newNames.entries where entry.role.contains("layers.") {
      let tensor = try #require(oldNames[entry.role]).tensor
      #expect(
        try bytes(new, entry.tensor.name) == bytes(old, tensor.name), "\(entry.role)")
    }
    #expect(newNames.holds("pooler.weight") == (name == "bert"))
    let weight = try #require(newNames["classifier.weight"]).tensor
    #expect(weight.shape == [classes, newNames.hyperparameters.integer("hiddenSize")])
    let configuration = try #require(new.configuration)
    #expect(configuration["id2label"]?.object?.count == classes)
    #expect(configuration["label2id"]?["LABEL_1"]?.integer == 1)
    #expect(
      configuration["architectures"]?.array?.first?.string?.contains("Classification") == true)
    #expect(try TokenizerLoader.load(beside: path) != nil || name == "vit")
    // The same seed gives the same file, another one another classifier.
    for (folder, seed) in [("again", 2), ("other", 3)] as [(String, UInt64)] {
      try NewClassifier(classCount: classes, path: base, configuration: nil)
        .write(to: directory.path(folder), seed: seed)
    }
    let first = try readBytes(at: "\(path)/model.safetensors")
    #expect(try readBytes(at: directory.path("again/model.safetensors")) == first)
    #expect(try readBytes(at: directory.path("other/model.safetensors")) != first)
  }

  @Test("names without a prefix and half precision become transformers' names and float32")
  func halves() throws {
    var model = try ModelCopy("bert")
    for index in model.tensors.indices {
      let tensor = model.tensors[index]
      guard tensor.name.hasPrefix("bert.") else { continue }
      model.tensors[index].name = String(tensor.name.dropFirst("bert.".count))
      model.tensors[index].dtype = .bf16
      // The upper halves of floats are bfloat16.
      model.tensors[index].bytes = stride(from: 2, to: tensor.bytes.count, by: 4)
        .flatMap { tensor.bytes[$0..<$0 + 2] }
    }
    model.tensors.removeAll { $0.name.hasPrefix("cls.") }
    model.configuration["architectures"] = .array([.string("BertModel")])
    (model.configuration["dtype"], model.configuration["torch_dtype"]) = (
      .string("bfloat16"), .string("bfloat16")
    )
    let base = try model.write(to: "half", in: directory)
    let path = directory.path("new")
    try NewClassifier(classCount: 2, path: base, configuration: nil).write(to: path, seed: 2)
    let new = try Checkpoint(opening: path)
    #expect(new.tensors.allSatisfy { $0.dtype == .f32 })
    #expect(
      new.tensors.allSatisfy { $0.name.hasPrefix("bert.") || $0.name.hasPrefix("classifier.") })
    #expect(new.configuration?["dtype"]?.string == "float32")
    #expect(new.configuration?["torch_dtype"] == nil)
  }

  @Test(
    "transformers loads it without a tensor missing or left over, and agrees on the classes",
    .needsPython(with: "torch", "transformers"))
  func transformers() throws {
    let path = directory.path("new")
    try NewClassifier(classCount: 3, path: Fixtures.path("models/bert"), configuration: nil)
      .write(to: path, seed: 2)
    let outcome = try Python.run(
      """
      import sys, torch
      from transformers import AutoModelForSequenceClassification as Model
      model, info = Model.from_pretrained(sys.argv[1], output_loading_info=True)
      assert not info["missing_keys"] and not info["unexpected_keys"], info
      with torch.no_grad():
          logits = model.eval()(torch.tensor([[2, 10, 20, 3]])).logits[0].tolist()
      print("logits", *logits)
      """, [path])
    #expect(outcome.status == 0, "\(outcome.output)")
    let line = try #require(outcome.output.split(separator: "\n").last)
    let expected = line.split(separator: " ").dropFirst().compactMap { Float($0) }
    let batch = TokenBatch(ids: [2, 10, 20, 3], length: 4)
    let logits = try #require(try ModelRunner(opening: path).outputs(for: .tokens(batch)).logits)
    #expect(expected.count == 3)
    for (found, wanted) in zip(logits.values, expected) { #expect(abs(found - wanted) < 1e-5) }
  }

  @Test("models that can have no classifier")
  func errors() throws {
    for (model, problem) in [
      ("models/gpt2", "expected a bert or vit, which can have a classifier, found a gpt2"),
      ("models/none", "no such file"),
    ] {
      let error = #expect(throws: FormatError.self) {
        try NewClassifier(classCount: 2, path: Fixtures.path(model), configuration: nil)
          .write(to: directory.path("new"), seed: 0)
      }
      let text = "\(String(describing: error))".lowercased()
      #expect(text.contains(problem), "\(text)")
    }
    #expect(try directoryEntries(of: directory.path).isEmpty)
  }
}
