// Which head counts, and what is refused where class and tensors disagree.

import HHFormat
import Testing

@Suite("HeadChoice")
struct HeadChoiceTests {
  @Test(
    "a class that is not read is refused by its name",
    arguments: [
      ("bert-classifier", "BertForTokenClassification"),
      ("bert-classifier", "BertForMultipleChoice"),
      ("bert-model", "BertForQuestionAnswering"), ("bert-model", "BertForNextSentencePrediction"),
      ("vit-model", "ViTForMaskedImageModeling"), ("gpt2-base", "GPT2DoubleHeadsModel"),
      ("llama-mha", "LlamaForTokenClassification"),
    ])
  func classes(golden: String, name: String) throws {
    let error = try TensorTable.error(golden) {
      $0.configuration?["architectures"] = [.string(name)]
    }
    #expect(error.kind == .unsupported && error.file == "config")
    #expect(error.place == "key 'architectures'")
    #expect(error.problem.hasSuffix("found '\(name)'"))
  }

  @Test("the class and the head in the file must agree")
  func contradictions() throws {
    for (golden, name) in [
      ("bert-classifier", "BertModel"), ("bert-classifier", "BertForMaskedLM"),
      ("bert-model", "BertForSequenceClassification"), ("vit-classifier", "ViTModel"),
      ("vit-model", "ViTForImageClassification"),
    ] {
      let error = try TensorTable.error(golden) {
        $0.configuration?["architectures"] = [.string(name)]
      }
      #expect(error.kind == .badData && error.place == "key 'architectures'", "\(name)")
      #expect(error.problem.contains("'\(name)'"))
    }
  }

  @Test("without a class a classifier must have what it reads")
  func parts() throws {
    let tokens = try TensorTable.error("bert-classifier") {
      $0.configuration?["architectures"] = nil
      $0.remove("pooler")
    }
    #expect(tokens.place == "tensor 'pooler.dense.weight'")
    let both = try TensorTable.error("bert-classifier") {
      $0.configuration?["architectures"] = nil
      let width = $0.configuration?["hidden_size"]?.integer ?? 0
      let words = $0.configuration?["vocab_size"]?.integer ?? 0
      for (name, shape) in [
        ("transform.dense.weight", [width, width]), ("transform.dense.bias", [width]),
        ("transform.LayerNorm.weight", [width]), ("transform.LayerNorm.bias", [width]),
        ("bias", [words]),
      ] {
        $0.set("cls.predictions.\(name)", shape)
      }
    }
    #expect(both.problem.hasPrefix("expected one head"))
  }

  @Test("a vision classifier reads no pooler, whatever lies beside it")
  func pooler() throws {
    var table = try TensorTable(golden: "vit-classifier")
    let width = table.configuration?["hidden_size"]?.integer ?? 0
    table.set("vit.pooler.dense.weight", [width, width])
    table.set("vit.pooler.dense.bias", [width])
    let head = try #require(try table.matched().head)
    #expect(head.isClassifier && !head.groups.contains("pooler"))
  }

  @Test("labels are as many as the head has, numbered from 0")
  func labels() throws {
    let two: JSONValue = ["0": "a", "1": "b"]
    #expect(
      try TensorTable.error("bert-classifier") { $0.configuration?["id2label"] = two }.problem
        == "contradicts the tensors: expected 3 labels, found 2")
    let error = try TensorTable.error("vit-classifier") {
      $0.configuration?["id2label"] = ["1": "a", "2": "b", "3": "c", "4": "d", "5": "e"]
    }
    #expect(error.problem.hasSuffix("found none of number 0"))
    #expect(
      try TensorTable.error("bert-classifier") { $0.configuration?["num_labels"] = 4 }.place
        == "key 'num_labels'")
    // A model without a classifier has the words and no use for them.
    var table = try TensorTable(golden: "bert-model")
    table.configuration?["id2label"] = two
    #expect(try table.matched().head == nil)
  }
}
