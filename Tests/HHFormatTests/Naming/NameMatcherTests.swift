// Tensors that are missing, unexpected or misshapen are named.

import HHFormat
import HHTestSupport
import Testing

@Suite("NameMatcher")
struct NameMatcherTests {
  private func error(_ table: TensorTable) throws -> FormatError {
    try #require(throws: FormatError.self) { try table.matched() }
  }

  @Test(
    "each required tensor is missed by name, and by nothing else",
    arguments: ["gpt2-base", "bert-model", "vit-model", "llama-bias-linear-rope"])
  func eachMissing(golden: String) throws {
    let table = try TensorTable(golden: golden)
    for entry in try table.matched().entries {
      var less = table
      less.tensors.removeAll { $0.name == entry.tensor.name }
      let error = try error(less)
      #expect(error.kind == .badData)
      #expect(error.description.hasPrefix("model: tensor '\(entry.tensor.name)': missing: "))
    }
  }

  @Test(
    "each tensor of another shape is named with both shapes",
    arguments: ["gpt2-model-f16", "bert-classifier", "vit-classifier", "llama-mqa-head-dim"])
  func eachShape(golden: String) throws {
    let table = try TensorTable(golden: golden)
    for entry in try table.matched().entries where !entry.role.hasPrefix("classifier") {
      let shape = entry.tensor.shape
      for change in [shape + [1], Array(shape.dropLast()), shape.map { $0 + 1 }, []] {
        var other = table
        other.set(entry.tensor.name, change)
        let error = try error(other)
        #expect(error.place == "tensor '\(entry.tensor.name)'", "\(shape) \(change)")
        #expect(error.problem.hasPrefix("wrong shape: expected \(shape) (["))
        #expect(error.problem.hasSuffix("found \(change)"))
      }
    }
  }

  @Test("messages in full")
  func messages() throws {
    let table = try TensorTable(golden: "gpt2-base")
    let hidden = table.configuration?["n_embd"]?.integer ?? 0
    var change = table
    change.set("transformer.h.1.attn.c_attn.weight", [hidden, hidden])
    #expect(
      try error(change).description
        == "model: tensor 'transformer.h.1.attn.c_attn.weight': wrong shape: expected"
        + " [\(hidden), \(3 * hidden)] ([n_embd, 3*n_embd]), found [\(hidden), \(hidden)]")
    change = table
    change.set("transformer.h.1.attn.rotary", [3, 2])
    #expect(
      try error(change).description
        == "model: tensor 'transformer.h.1.attn.rotary': unexpected: expected only tensors of a gpt2"
        + " checkpoint, found shape [3, 2]")
    change = table
    change.remove("transformer.wpe")
    #expect(
      try error(change).description
        == "model: tensor 'transformer.wpe.weight': missing: expected it in a gpt2 checkpoint, found"
        + " none")
    change = table
    change.remove("transformer.h.")
    #expect(try error(change).place == "tensor 'transformer.h.0.ln_1.weight'")
  }

  @Test("a classifier whose own tensors disagree is refused, not guessed")
  func classifierShapes() throws {
    var table = try TensorTable(golden: "bert-classifier")
    table.set("classifier.bias", [7])
    #expect(try error(table).problem.contains("wrong shape"))
    table.set("classifier.weight", [24])
    table.set("classifier.bias", [])
    #expect(try error(table).problem.contains("expected [?, "))
    table.remove("classifier.bias")
    #expect(throws: FormatError.self) { try table.matched() }
  }

  @Test("part of a group is not enough")
  func groups() throws {
    var table = try TensorTable(golden: "bert-model")
    table.remove("pooler.dense.bias")
    #expect(try error(table).place == "tensor 'pooler.dense.bias'")
    table.remove("pooler")
    #expect(try !table.matched().holds("pooler.weight"))
  }

  @Test("a tensor of a layer beyond the others is no layer of its own")
  func strayLayer() throws {
    var table = try TensorTable(golden: "gpt2-base")
    table.set("transformer.h.999999999999.ln_1.weight", [32])
    #expect(try error(table).problem.hasPrefix("unexpected"))
    table.set("transformer.h.99999999999999999999999.ln_1.weight", [32])
    #expect(throws: FormatError.self) { try table.matched() }
  }

  @Test("two prefixes at once are not one model")
  func mixedPrefixes() throws {
    var table = try TensorTable(golden: "gpt2-base")
    table.set("h.0.ln_1.weight", [32])
    #expect(try error(table).description.hasPrefix("model: tensor 'h.0.ln_1.weight': unexpected"))
  }

  @Test("an old and a new spelling of one tensor do not both pass")
  func bothSpellings() throws {
    var table = try TensorTable(golden: "bert-old-names")
    table.set("bert.embeddings.LayerNorm.weight", [16])
    #expect(
      try error(table).description.hasPrefix(
        "model: tensor 'bert.embeddings.LayerNorm.gamma': unexpected"))
  }
}
