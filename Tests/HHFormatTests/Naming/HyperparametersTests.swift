// The numbers of a model: read, defaulted, inferred, contradicted.

import HHFormat
import HHTestSupport
import Testing

@Suite("Hyperparameters")
struct HyperparametersTests {
  private func sizes(
    _ golden: String, _ change: (inout TensorTable) -> Void = { _ in }
  ) throws -> Hyperparameters {
    var table = try TensorTable(golden: golden)
    change(&table)
    return try table.matched().hyperparameters
  }

  @Test("what follows from what")
  func derived() throws {
    let llama = try sizes("llama-mqa-head-dim")
    #expect(llama.integer("headSize") == 10)
    #expect(llama.integer("headCount") == 3)
    #expect(llama.integer("queryWidth") == 30)
    #expect(llama.integer("keyValueWidth") == 10)
    #expect(llama.key("headCount") == "num_attention_heads")
    let gpt2 = try sizes("gpt2-base")
    #expect(gpt2.integer("intermediateSize") == 4 * gpt2.integer("hiddenSize"))
    #expect(gpt2.integer("keyValueHeadCount") == gpt2.integer("headCount"))
    let vit = try sizes("vit-no-qkv-bias")
    #expect(vit.integer("positionCount") == 17)
    #expect(!vit.bool("queryKeyValueBias"))
    #expect(try sizes("bert-classifier").integer("labelCount") == 3)
    #expect(vit.integer("nothing") == 0 && vit.string("nothing") == "" && vit.number("x") == 0)
  }

  @Test("null means the default", arguments: ["num_key_value_heads", "head_dim"])
  func null(key: String) throws {
    let sizes = try sizes("llama-mha") { $0.configuration?[key] = .null }
    #expect(sizes.integer("keyValueHeadCount") == 4)
    #expect(sizes.integer("headSize") == 6)
  }

  @Test("both spellings of the rotary settings are read")
  func rotary() throws {
    // Written as transformers 4 did, in the model.
    #expect(try sizes("llama-gqa").number("ropeBase") == 500_000)
    #expect(try sizes("llama-llama3-rope").value("ropeScaling")?["factor"]?.double == 8)
    #expect(try sizes("llama-bias-linear-rope").number("ropeBase") == 100)
    let inner = try sizes("llama-gqa") {
      $0.configuration?["rope_parameters"] = .object(["rope_theta": .number(7.5)])
    }
    #expect(inner.number("ropeBase") == 7.5)
  }

  @Test("a list of begin tokens, or one that is no id, counts as none")
  func tokens() throws {
    for value in [
      JSONValue.array([.integer(1)]), .integer(-1), .number(1.5), .string("x"),
      .integer(1 << 40), .bool(true),
    ] {
      let sizes = try sizes("llama-mha") { $0.configuration?["bos_token_id"] = value }
      #expect(sizes.value("beginningToken") == .null)
    }
    #expect(try sizes("llama-mha").value("beginningToken") == .integer(1))
  }

  @Test("an image's or a patch's size may be a pair of equal numbers")
  func sides() throws {
    func pair(_ a: Int, _ b: Int) -> JSONValue { .init([a, b]) }
    let square = try sizes("vit-no-qkv-bias") {
      $0.configuration?["image_size"] = pair(20, 20)
      $0.configuration?["patch_size"] = pair(5, 5)
    }
    #expect(square.integer("imageSize") == 20 && square.integer("patchSize") == 5)
    let error = try TensorTable.error("vit-no-qkv-bias") {
      $0.configuration?["image_size"] = pair(20, 25)
    }
    #expect(
      error.description
        == "config: key 'image_size': expected a whole number below 2147483648 or two equal ones,"
        + " found [20,25]")
  }

  @Test(
    "a value of the wrong kind is named with what it should be",
    arguments: [
      ("gpt2-base", "n_layer", JSONValue.number(2.5), "a whole number below 2147483648"),
      ("gpt2-base", "n_layer", .number(2), "a whole number below 2147483648"),
      ("gpt2-base", "n_head", .string("4"), "a whole number below 2147483648"),
      ("gpt2-base", "n_embd", .integer(-32), "a whole number below 2147483648"),
      ("gpt2-base", "vocab_size", .integer(1 << 40), "a whole number below 2147483648"),
      ("gpt2-base", "n_layer", .integer(1 << 40), "a whole number below 2147483648"),
      ("gpt2-base", "n_layer", .unsigned(.max), "a whole number below 2147483648"),
      ("gpt2-base", "n_inner", .array([]), "a whole number below 2147483648"),
      ("gpt2-base", "layer_norm_epsilon", .number(0), "a positive number"),
      ("gpt2-base", "layer_norm_epsilon", .number(-1e-5), "a positive number"),
      ("gpt2-base", "layer_norm_epsilon", .string("1e-5"), "a positive number"),
      ("gpt2-base", "scale_attn_weights", .integer(1), "true or false"),
      ("gpt2-base", "activation_function", .integer(1), "a string"),
      ("bert-model", "hidden_size", .object([:]), "a whole number below 2147483648"),
      ("llama-mha", "rope_parameters", .string("x"), "an object"),
    ])
  func kinds(golden: String, key: String, value: JSONValue, expected: String) throws {
    let error = try TensorTable.error(golden) { $0.configuration?[key] = value }
    #expect(error.kind == .badData)
    #expect(
      error.description == "config: key '\(key)': expected \(expected), found \(value.text)")
  }

  @Test(
    "a size of zero is refused before anything divides or indexes by it",
    arguments: [
      ("gpt2-base", "n_head"), ("gpt2-base", "n_embd"), ("gpt2-base", "n_layer"),
      ("gpt2-base", "n_positions"), ("gpt2-base", "vocab_size"), ("gpt2-base", "n_inner"),
      ("bert-model", "type_vocab_size"), ("bert-model", "max_position_embeddings"),
      ("vit-model", "image_size"), ("vit-model", "patch_size"), ("vit-model", "num_channels"),
      ("llama-mha", "head_dim"), ("llama-mha", "num_key_value_heads"),
      ("llama-mha", "max_position_embeddings"),
    ])
  func zero(golden: String, key: String) throws {
    let error = try TensorTable.error(golden) { $0.configuration?[key] = .integer(0) }
    #expect(error.description == "config: key '\(key)': expected at least 1, found 0")
  }

  @Test("an empty tensor of token types is refused, not indexed")
  func emptyTokenTypes() throws {
    let error = try TensorTable.error("bert-model") {
      let hidden = $0.configuration?["hidden_size"]?.integer ?? 0
      $0.configuration?["type_vocab_size"] = .integer(0)
      $0.set("embeddings.token_type_embeddings.weight", [0, hidden])
    }
    #expect(error.place == "key 'type_vocab_size'")
  }

  @Test("the largest numbers neither overflow nor hang")
  func largest() throws {
    let limit: Int = (1 << 31) - 1
    for golden in ["gpt2-base", "bert-model", "vit-model", "llama-mqa-head-dim"] {
      let table = try TensorTable(golden: golden)
      for (key, value) in table.configuration?.pairs ?? [] where value.integer != nil {
        for large in [limit, limit - 1, 1 << 30] {
          var change = table
          change.configuration?[key] = .integer(large)
          do { _ = try change.matched() } catch { #expect(!error.description.isEmpty) }
        }
      }
      var all = table
      for (key, value) in table.configuration?.pairs ?? [] where value.integer != nil {
        all.configuration?[key] = .integer(limit)
      }
      #expect(throws: FormatError.self) { try all.matched() }
    }
  }

  // MARK: Contradictions

  @Test("a configuration that contradicts the tensors or itself says what is where")
  func contradictions() throws {
    let table: [(String, String, Int, String)] = [
      (
        "gpt2-base", "n_layer", 3,
        "config: key 'n_layer': contradicts the tensors: expected 2 layers, found 3"
      ),
      (
        "llama-mha", "num_hidden_layers", 1,
        "config: key 'num_hidden_layers': contradicts the tensors: expected 2 layers, found 1"
      ),
      (
        "llama-mha", "num_key_value_heads", 3,
        "config: key 'num_key_value_heads': expected a divisor of 'num_attention_heads' 4, found 3"
      ),
      (
        "bert-model", "num_attention_heads", 5,
        "config: key 'num_attention_heads': expected a divisor of 'hidden_size' 24, found 5"
      ),
      (
        "vit-no-qkv-bias", "patch_size", 6,
        "config: key 'patch_size': expected a divisor of 'image_size' 20, found 6"
      ),
      (
        "llama-mqa-head-dim", "head_dim", 12,
        "model: tensor 'model.layers.0.self_attn.q_proj.weight': wrong shape: expected [36, 24]"
          + " ([queryWidth, hidden_size]), found [30, 24]"
      ),
      (
        "llama-gqa", "num_key_value_heads", 4,
        "model: tensor 'model.layers.0.self_attn.k_proj.weight': wrong shape: expected [24, 24]"
          + " ([keyValueWidth, hidden_size]), found [12, 24]"
      ),
      (
        "vit-no-qkv-bias", "image_size", 25,
        "model: tensor 'vit.embeddings.position_embeddings': wrong shape: expected [1, 26, "
      ),
    ]
    for (golden, key, value, message) in table {
      let error = try TensorTable.error(golden) { $0.configuration?[key] = .integer(value) }
      #expect(error.description.hasPrefix(message), "\(error)")
    }
  }

  @Test("biases that the configuration denies, or promises in vain")
  func biases() throws {
    let denied = try TensorTable.error("llama-bias-linear-rope") {
      $0.configuration?["attention_bias"] = .bool(false)
    }
    #expect(
      denied.description
        == "config: key 'attention_bias': contradicts the tensors: expected no"
        + " 'model.layers.0.self_attn.q_proj.bias', found it")
    let promised = try TensorTable.error("llama-mha") {
      $0.configuration?["mlp_bias"] = .bool(true)
    }
    #expect(promised.place == "tensor 'model.layers.0.mlp.gate_proj.bias'")
    // Qwen2 has biases on q, k and v only.
    let qwen = try TensorTable.error("llama-bias-linear-rope") { $0.remove("o_proj.bias") }
    #expect(qwen.place == "tensor 'model.layers.0.self_attn.o_proj.bias'")
  }

  @Test(
    "settings of models that are not built are refused",
    arguments: [
      ("gpt2-base", "add_cross_attention", JSONValue.bool(true), "expected false, found true"),
      (
        "bert-model", "position_embedding_type", .string("relative_key"),
        "expected \"absolute\", found \"relative_key\""
      ),
      ("bert-model", "is_decoder", .bool(true), "expected false, found true"),
      ("llama-mha", "pretraining_tp", .integer(2), "expected 1, found 2"),
    ])
  func unsupported(golden: String, key: String, value: JSONValue, problem: String) throws {
    let error = try TensorTable.error(golden) { $0.configuration?[key] = value }
    #expect(error.kind == .unsupported)
    #expect(error.description == "config: key '\(key)': \(problem)")
    _ = try sizes(golden) { $0.configuration?[key] = .null }
  }

  // MARK: Without a configuration

  @Test(
    "without a configuration, what nothing shows is asked for by its keys",
    arguments: [
      ("gpt2-base", "'n_head'"), ("gpt2-relu-unprefixed", "'n_head'"),
      ("bert-model", "'num_attention_heads'"), ("vit-model", "'num_attention_heads'"),
      (
        "llama-gqa",
        "'num_attention_heads', 'num_key_value_heads', 'rms_norm_eps', 'rope_theta'"
      ),
    ])
  func asked(golden: String, keys: String) throws {
    let error = try TensorTable.error(golden) { $0.configuration = nil }
    #expect(error.kind == .badData && error.file == "model")
    #expect(
      error.problem.hasPrefix("no config.json beside this ")
        && error.problem.hasSuffix(" checkpoint, and its tensors do not tell \(keys)"))
    #expect(error.remedy?.settings == [.configuration])
  }

  @Test("a partial configuration is completed from the shapes")
  func partial() throws {
    let gpt2 = try sizes("gpt2-base")
    let inferred = try sizes("gpt2-base") { $0.keep("n_head") }
    for name in [
      "vocabularySize", "maximumPositions", "hiddenSize", "layerCount", "headCount",
      "intermediateSize",
    ] {
      #expect(inferred.integer(name) == gpt2.integer(name), "\(name)")
    }
    let llama = try sizes("llama-mqa-head-dim") {
      $0.keep("num_attention_heads", "num_key_value_heads", "head_dim", "rms_norm_eps")
    }
    #expect(llama.integer("queryWidth") == 30 && llama.integer("intermediateSize") == 32)
    // Positions show in no tensor of a rotary model: the class default stands.
    #expect(llama.integer("maximumPositions") == 2048)
    let vit = try sizes("vit-no-qkv-bias") {
      $0.keep("num_attention_heads", "qkv_bias", "hidden_act")
    }
    #expect(vit.integer("imageSize") == 20 && vit.integer("patchSize") == 5)
  }

  @Test("shapes that could overflow what is inferred from them are refused")
  func forgedShapes() throws {
    let huge = 1 << 62
    let vit = try TensorTable.error("vit-model") {
      $0.keep("num_attention_heads")
      $0.set("embeddings.patch_embeddings.projection.weight", [0, 1, huge, huge])
      $0.set("embeddings.position_embeddings", [1, 1_000_000, 0])
    }
    #expect(vit.kind == .badData)
    let gpt2 = try TensorTable.error("gpt2-base") {
      $0.keep("n_head")
      $0.set("transformer.wte.weight", [0, huge])
      $0.remove("mlp")
    }
    #expect(gpt2.description.contains("expected below 2147483648, found \(huge)"))
  }
}
