// Which architecture a checkpoint is: by its configuration, by its names, and when they disagree.

import HHFormat
import HHTestSupport
import Testing

@Suite("ArchitectureDetection")
struct ArchitectureDetectionTests {
  private static let one: [(String, String)] = [
    ("gpt2-base", "gpt2"), ("gpt2-relu-unprefixed", "gpt2"), ("bert-model", "bert"),
    ("bert-classifier", "bert"), ("vit-model", "vit"), ("vit-memory-names", "vit"),
    ("llama-gqa", "llama"),
  ]

  @Test("configuration and names agree", arguments: one)
  func agree(golden: String, architecture: String) throws {
    #expect(try TensorTable(golden: golden).matched().schema.architecture == architecture)
  }

  @Test("names suffice where the configuration does not say", arguments: one)
  func byNames(golden: String, architecture: String) throws {
    var table = try TensorTable(golden: golden)
    table.configuration?["model_type"] = .null
    table.configuration?["architectures"] = nil
    #expect(try table.matched().schema.architecture == architecture)
    table.configuration?["model_type"] = nil
    table.configuration?["architectures"] = .null
    #expect(try table.matched().schema.architecture == architecture)
  }

  private func error(_ golden: String, _ change: (inout TensorTable) -> Void) throws -> FormatError
  {
    var table = try TensorTable(golden: golden)
    change(&table)
    return try #require(throws: FormatError.self) { try table.matched() }
  }

  @Test("an unknown model type is refused by its name")
  func unknownType() throws {
    for (value, word) in [
      (JSONValue.string("roberta"), "'roberta'"), (.integer(3), "'3'"), (.string(""), "''"),
      (.string("GPT2"), "'GPT2'"),
    ] {
      let error = try error("gpt2-base") { $0.configuration?["model_type"] = value }
      #expect(error.kind == .unsupported)
      #expect(
        error.description
          == "config: key 'model_type': expected gpt2, bert, vit or llama, found \(word)")
    }
  }

  @Test("a model type that contradicts the names is refused")
  func contradiction() throws {
    let error = try error("llama-mha") {
      $0.configuration?["model_type"] = .string("gpt2")
      $0.configuration?["architectures"] = nil
    }
    #expect(error.kind == .badData)
    #expect(
      error.description
        == "config: key 'model_type': contradicts the tensors: expected 'llama' by their names,"
        + " found 'gpt2'")
  }

  @Test("a class that contradicts the model type is refused")
  func classes() throws {
    let error = try error("gpt2-base") {
      $0.configuration?["architectures"] = .array([.string("LlamaForCausalLM")])
    }
    #expect(
      error.description
        == "config: key 'architectures': contradicts 'model_type': expected a class of 'gpt2',"
        + " found 'LlamaForCausalLM'")
  }

  @Test("without a model type the class decides, and must agree with the names too")
  func classAlone() throws {
    var table = try TensorTable(golden: "vit-model")
    table.configuration?["model_type"] = nil
    #expect(try table.matched().schema.architecture == "vit")
    let contradiction = try error("bert-model") {
      $0.configuration?["model_type"] = nil
      $0.configuration?["architectures"] = .array([.string("ViTModel")])
    }
    #expect(contradiction.place == "key 'architectures'")
    #expect(contradiction.problem.contains("expected 'bert' by their names, found 'ViTModel'"))
    let unknown = try error("bert-model") {
      $0.configuration?["model_type"] = nil
      $0.configuration?["architectures"] = .array([.string("T5Model")])
    }
    #expect(unknown.kind == .unsupported)
    #expect(
      unknown.problem == "expected a class of gpt2, bert, vit or llama, found 'T5Model'")
  }

  @Test("names of no known architecture are refused, with advice")
  func unknownNames() throws {
    let error = try error("gpt2-base") {
      $0.configuration = nil
      $0.rename { "encoder.\($0)" }
    }
    #expect(error.kind == .unsupported)
    #expect(
      error.description
        == "model: tensor names of no known architecture: expected gpt2, bert, vit or llama"
        + "\nhint: if it is one of them, give its configuration with config FILE")
  }

  @Test("a checkpoint without tensors is refused, with and without a configuration")
  func empty() throws {
    #expect(throws: FormatError.self) {
      var table = try TensorTable(golden: "gpt2-base")
      table.tensors = []
      return try table.matched()
    }
    let error = try error("gpt2-base") {
      $0.tensors = []
      $0.configuration = nil
    }
    #expect(error.kind == .unsupported)
  }
}
