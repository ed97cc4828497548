// Every tensor gets its role, is left out for a stated reason, or is an error that names it.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("NameMap")
struct NameMapTests {
  @Test("every tensor of every golden model is named exactly once", arguments: TensorTable.names)
  func complete(golden: String) throws {
    let table = try TensorTable(golden: golden)
    let map = try table.matched()
    let named = map.entries.map(\.tensor.name) + map.dropped.map(\.tensor.name)
    #expect(Set(named) == Set(table.tensors.map(\.name)))
    #expect(named.count == table.tensors.count)
    #expect(Set(map.entries.map(\.role)).count == map.entries.count)
    for entry in map.entries {
      #expect(map[entry.role]?.tensor == entry.tensor)
      #expect(map.holds(entry.role))
      #expect(!entry.role.contains("{"))
    }
    #expect(map["layers.0.attention.nothing"] == nil)
  }

  @Test("the prefix may be there or not", arguments: TensorTable.names)
  func prefixes(golden: String) throws {
    var table = try TensorTable(golden: golden)
    let map = try table.matched()
    let prefix = try #require(map.schema.prefixes.first)
    let heads = ["lm_head.", "classifier.", "cls.predictions."]
    table.rename { name in
      if name.hasPrefix(prefix) { return String(name.dropFirst(prefix.count)) }
      return heads.contains { name.hasPrefix($0) } ? name : prefix + name
    }
    #expect(try table.matched().entries.map(\.role) == map.entries.map(\.role))
  }

  @Test("old LayerNorm names mean the new ones")
  func oldNames() throws {
    let map = try TensorTable(golden: "bert-old-names").matched()
    let weight = try #require(map["layers.2.mlpNorm.weight"])
    #expect(weight.tensor.name == "bert.encoder.layer.2.output.LayerNorm.gamma")
    #expect(map["embedding.norm.bias"]?.tensor.name == "bert.embeddings.LayerNorm.beta")
    #expect(map["masked.norm.bias"]?.tensor.name == "cls.predictions.transform.LayerNorm.beta")
  }

  @Test("both spellings of ViT give the same roles")
  func memoryNames() throws {
    let map = try TensorTable(golden: "vit-memory-names").matched()
    #expect(
      map["layers.1.attention.query.weight"]?.tensor.name
        == "vit.layers.1.attention.q_proj.weight")
    var table = try TensorTable(golden: "vit-memory-names")
    table.rename {
      $0.replacing("vit.layers.", with: "vit.encoder.layer.")
        .replacing(".attention.q_proj.", with: ".attention.attention.query.")
        .replacing(".attention.k_proj.", with: ".attention.attention.key.")
        .replacing(".attention.v_proj.", with: ".attention.attention.value.")
        .replacing(".attention.o_proj.", with: ".attention.output.dense.")
        .replacing(".mlp.fc1.", with: ".intermediate.dense.")
        .replacing(".mlp.fc2.", with: ".output.dense.")
    }
    #expect(try table.matched().entries.map(\.role) == map.entries.map(\.role))
  }

  @Test("buffers are left out with a reason")
  func dropped() throws {
    let gpt2 = try TensorTable(golden: "gpt2-relu-unprefixed").matched()
    #expect(gpt2.dropped.map(\.tensor.name) == ["h.0.attn.bias", "h.1.attn.bias"])
    #expect(gpt2.dropped.map(\.why) == Array(repeating: "causal mask, a constant buffer", count: 2))
    let bert = try TensorTable(golden: "bert-old-names").matched()
    #expect(bert.dropped.map(\.tensor.name) == ["bert.embeddings.position_ids"])
    var table = try TensorTable(golden: "llama-mha")
    table.set("model.layers.1.self_attn.rotary_emb.inv_freq", [3])
    #expect(try table.matched().dropped.count == 1)
    // A buffer of a layer that is not there is not one.
    table.set("model.layers.2.self_attn.rotary_emb.inv_freq", [3])
    #expect(throws: FormatError.self) { try table.matched() }
  }

  @Test("only Conv1D weights are stored input first")
  func inputMajor() throws {
    let gpt2 = try TensorTable(golden: "gpt2-base").matched()
    let turned = gpt2.entries.filter(\.isInputMajor)
    #expect(turned.count == 8)
    #expect(turned.allSatisfy { $0.tensor.name.contains(".c_") && $0.tensor.shape.count == 2 })
    #expect(try TensorTable(golden: "llama-mha").matched().entries.allSatisfy { !$0.isInputMajor })
  }

  @Test("a tied head is the embeddings, an untied one its own")
  func heads() throws {
    let tied = try TensorTable(golden: "llama-gqa").matched()
    #expect(!tied.holds("head.weight"))
    #expect(tied["head.weight"]?.tensor.name == "model.embed_tokens.weight")
    #expect(tied.storedTies.isEmpty)
    let untied = try TensorTable(golden: "gpt2-gelu-untied").matched()
    #expect(untied["head.weight"]?.tensor.name == "lm_head.weight")
    var stored = try TensorTable(golden: "gpt2-base")
    stored.set("lm_head.weight", stored.tensors.first { $0.name.contains("wte") }?.shape ?? [])
    let ties = try stored.matched().storedTies
    #expect(ties.map(\.role.tensor.name) == ["lm_head.weight"])
    #expect(ties.map(\.tied.tensor.name) == ["transformer.wte.weight"])
  }

  @Test("an untied language model without its head is an error with advice")
  func missingHead() throws {
    for golden in ["llama-mha", "gpt2-gelu-untied"] {
      var table = try TensorTable(golden: golden)
      table.remove("lm_head")
      let error = try error(table)
      #expect(error.place == "tensor 'lm_head.weight'")
      #expect(error.hint == "a tied head needs 'tie_word_embeddings': true")
      // Without the prefix it is still a language model by its class.
      table.rename { $0.split(separator: ".").dropFirst().joined(separator: ".") }
      #expect(try self.error(table) == error)
    }
  }

  @Test(
    "a base class has no head, whatever the configuration says of ties",
    arguments: [("llama-mha", "LlamaModel"), ("gpt2-gelu-untied", "GPT2Model")])
  func baseClass(golden: String, name: String) throws {
    var table = try TensorTable(golden: golden)
    table.remove("lm_head")
    table.rename { $0.split(separator: ".").dropFirst().joined(separator: ".") }
    table.configuration?["architectures"] = .array([.string(name)])
    #expect(try table.matched()["head.weight"] == nil)
    table.configuration?["architectures"] = nil
    #expect(try table.matched()["head.weight"] == nil)
    table.configuration?["tie_word_embeddings"] = .bool(true)
    #expect(try table.matched()["head.weight"]?.role == "embedding.token.weight")
  }

  @Test("a masked-token head shares what it does not store only where it is tied")
  func maskedHead() throws {
    var table = try TensorTable(golden: "bert-masked-lm")
    let map = try table.matched()
    #expect(map["masked.decoder.weight"]?.role == "embedding.token.weight")
    #expect(map["masked.decoder.bias"]?.role == "masked.bias")
    table.configuration?["tie_word_embeddings"] = .bool(false)
    table.remove("decoder.bias")
    #expect(try error(table).place == "tensor 'cls.predictions.decoder.weight'")
    let shape = try #require(map["embedding.token.weight"]).tensor.shape
    table.set("cls.predictions.decoder.weight", shape)
    #expect(try error(table).place == "tensor 'cls.predictions.decoder.bias'")
    table.set("cls.predictions.decoder.bias", [shape[0]])
    #expect(try table.matched()["masked.decoder.bias"]?.role == "masked.decoder.bias")
  }

  private func error(_ table: TensorTable) throws -> FormatError {
    try #require(throws: FormatError.self) { try table.matched() }
  }
}
