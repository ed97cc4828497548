// New models: their tensors, their first weights, and how they become checkpoints.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("NewModel")
struct NewModelTests {
  /// The sizes of a fixture.
  private func model(_ name: String) -> NewModel {
    var model = NewModel(architecture: name)
    (model.layers, model.hidden, model.heads) = (3, 64, 4)
    (model.inner, model.files) = (128, Fixtures.path("models/\(name)"))
    switch name {
    case "gpt2": model.positions = 128
    case "bert": (model.positions, model.vocabulary) = (64, 400)
    case "vit":
      (model.hidden, model.heads, model.inner, model.image) = (48, 3, 96, 16)
      model.classes = 8
    default: model.keyValueHeads = 2
    }
    return model
  }

  @Test(
    "a new model has the tensors of a trained one of its sizes",
    arguments: ["gpt2", "bert", "vit", "llama"])
  func tensors(_ name: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("fresh")
    try model(name).write(to: path, seed: 3)
    let fresh = try NameMap(Checkpoint(opening: path))
    let trained = try NameMap(Checkpoint(opening: Fixtures.path("models/\(name)")))
    func shapes(_ names: NameMap) -> [String: [Int]] {
      Dictionary(uniqueKeysWithValues: names.entries.map { ($0.role, $0.tensor.shape) })
    }
    #expect(shapes(fresh) == shapes(trained))
    let count = fresh.entries.reduce(0) { $0 + $1.tensor.elementCount }
    #expect(try model(name).parameterCount() == Double(count))
    // The fixture's Llama has another ε than the class's default.
    #expect(try name == "llama" || Graph(fresh) == Graph(trained))
    #expect(Set(fresh.entries.map(\.tensor.name)) == Set(trained.entries.map(\.tensor.name)))
    #expect(try TokenizerLoader.load(beside: path) != nil || name == "vit")
    // The same seed gives the same file, another one another.
    try model(name).write(to: directory.path("again"), seed: 3)
    try model(name).write(to: directory.path("other"), seed: 4)
    let bytes = try readBytes(at: "\(path)/model.safetensors")
    #expect(try readBytes(at: directory.path("again/model.safetensors")) == bytes)
    #expect(try readBytes(at: directory.path("other/model.safetensors")) != bytes)
  }

  @Test(
    "a model in memory has the weights of the file", arguments: ["gpt2", "bert", "vit", "llama"])
  func runner(_ name: String) throws {
    let directory = try TemporaryDirectory()
    var model = model(name)
    (model.files, model.vocabulary) = (nil, name == "vit" ? nil : 400)
    try model.write(to: directory.path("fresh"), seed: 3)
    let written = try ModelRunner(opening: directory.path("fresh"))
    let runner = try model.runner(seed: 3)
    #expect(runner.graph == written.graph)
    // What is in memory stays there: there is no file to read it from again.
    runner.parameters.release()
    for linear in runner.graph.linears {
      #expect(
        try runner.parameters.vector(linear.weight).values
          == written.parameters.vector(linear.weight).values)
    }
    #expect(throws: FormatError.self) { try runner.parameters.vector("none") }
  }

  @Test("first weights are those of the architectures' own initialisation")
  func values() throws {
    let gpt2 = model("gpt2")
    func deviation(_ model: NewModel, _ role: String) throws -> Double {
      let values = try model.values(role: role, count: 40_000, seed: 1).values
      return (values.reduce(0) { $0 + Double($1) * Double($1) } / 40_000).squareRoot()
    }
    #expect(try abs(deviation(gpt2, "embedding.token.weight") - 0.02) < 5e-4)
    #expect(try abs(deviation(gpt2, "layers.0.mlp.down.weight") - 0.02 / 6.0.squareRoot()) < 3e-4)
    #expect(try abs(deviation(model("llama"), "layers.0.mlp.down.weight") - 0.02) < 5e-4)
    for role in ["layers.1.attentionNorm.weight", "finalNorm.weight", "embedding.norm.weight"] {
      #expect(try gpt2.values(role: role, count: 3, seed: 1).values == [1, 1, 1])
    }
    #expect(try gpt2.values(role: "layers.0.mlp.up.bias", count: 3, seed: 1).values == [0, 0, 0])
    #expect(
      try gpt2.values(role: "a.weight", count: 3, seed: 1).values
        != gpt2.values(role: "b.weight", count: 3, seed: 1).values)
  }

  @Test("sizes that make no model")
  func errors() throws {
    let directory = try TemporaryDirectory()
    for (change, problem) in [
      ({ $0.heads = 5 }, "expected a divisor of"),
      ({ ($0.files, $0.vocabulary) = (nil, nil) }, "expected a number, or a tokenizer"),
      ({ $0.vocabulary = 5 }, "expected at least the tokenizer's"),
      ({ $0.architecture = "t5" }, "unknown architecture"),
    ] as [((inout NewModel) -> Void, String)] {
      var model = model("gpt2")
      change(&model)
      let error = #expect(throws: FormatError.self) {
        try model.write(to: directory.path("fresh"), seed: 0)
      }
      #expect(error?.problem.hasPrefix(problem) == true, "\(String(describing: error))")
    }
    #expect(try directoryEntries(of: directory.path).isEmpty)
  }

  @Test("fifteen in a hundred tokens are hidden, most of them masked, and none that frame a text")
  func masking() throws {
    let masking = TokenMasking(mask: 4, special: [2, 3], vocabularySize: 100)
    let row: [Int32] = [2] + (0..<98).map { 10 + $0 % 80 } + [3]
    let batch = TokenBatch(ids: Array(repeating: row, count: 50).flatMap(\.self), length: 100)
    let (input, labels) = masking.hide(batch, SeededGenerator(seed: 1))
    let ids = try #require(input.tokens).ids
    let hidden = labels.indices.filter { labels[$0] >= 0 }
    #expect(hidden.count == 50 * 15)
    #expect(hidden.allSatisfy { labels[$0] == batch.ids[$0] && labels[$0] >= 10 })
    let masked = hidden.count { ids[$0] == 4 }
    let kept = hidden.count { ids[$0] == batch.ids[$0] }
    #expect((540...660).contains(masked) && (40...115).contains(kept))
    #expect(ids.indices.allSatisfy { labels[$0] >= 0 || ids[$0] == batch.ids[$0] })
    #expect(masking.hide(batch, SeededGenerator(seed: 1)).labels == labels)
    #expect(masking.hide(batch, SeededGenerator(seed: 2)).labels != labels)
  }
}
