// What training programs put before names is taken off, and nothing else.

import HHFormat
import Testing

@Suite("UnwrappedNames")
struct UnwrappedNamesTests {
  @Test(
    "wrappers before every name, in any order",
    arguments: [
      "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module.", "model.", "module.model.",
    ])
  func wrappers(prefix: String) throws {
    for golden in ["gpt2-base", "bert-classifier", "vit-classifier", "llama-mha", "llama-gqa"] {
      var table = try TensorTable(golden: golden)
      let plain = try table.matched()
      #expect(!plain.hasForeignNames)
      table.rename { prefix + $0 }
      let map = try table.matched()
      #expect(map.entries.map(\.role) == plain.entries.map(\.role))
      #expect(map.hasForeignNames)
      #expect(map.canonicalNames == plain.canonicalNames)
      // The tensors keep the names that the file gives them.
      #expect(map.entries.allSatisfy { $0.tensor.name.hasPrefix(prefix) })
    }
  }

  @Test("a module that was compiled alone")
  func inside() throws {
    var table = try TensorTable(golden: "llama-mha")
    let plain = try table.matched()
    table.rename { $0.replacing("layers.1.", with: "layers.1._orig_mod.") }
    #expect(try table.matched().entries.map(\.role) == plain.entries.map(\.role))
  }

  @Test("another program's prefix stays, and so does one that not every name has")
  func others() throws {
    for change: @Sendable (String) -> String in [
      { "roberta." + $0 }, { $0.contains("wte") ? $0 : "module." + $0 },
    ] {
      var table = try TensorTable(golden: "gpt2-base")
      table.rename(change)
      table.configuration = nil
      #expect(throws: FormatError.self) { try table.matched() }
    }
  }

  @Test("two names that are one without their wrappers")
  func twice() throws {
    var table = try TensorTable(golden: "gpt2-base")
    let shape = table.tensors.first { $0.name == "transformer.ln_f.bias" }?.shape ?? []
    table.set("transformer._orig_mod.ln_f.bias", shape)
    let error = try #require(throws: FormatError.self) { try table.matched() }
    #expect(error.place == "tensor 'transformer._orig_mod.ln_f.bias'")
    #expect(error.problem.hasSuffix("found 'transformer.ln_f.bias' too"))
  }
}
