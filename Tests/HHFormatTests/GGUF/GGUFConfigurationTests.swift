// The configuration of a GGUF model, made from its metadata.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFConfiguration")
struct GGUFConfigurationTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func error(_ forge: GGUFForge) throws -> FormatError? {
    let path = try directory.write(forge.bytes, to: "model.gguf")
    return #expect(throws: FormatError.self) { try Checkpoint(opening: path) }
  }

  @Test(
    "the metadata gives the configuration's numbers, decimal for decimal",
    arguments: [
      "bert-model", "gpt2-base", "llama-gqa", "llama-bias-linear-rope", "llama-mqa-head-dim",
    ])
  func configuration(_ name: String) throws {
    let source = try NameMap(try Checkpoint(opening: Fixtures.path("golden/forward/\(name)")))
    let gguf = try NameMap(try Checkpoint(opening: Fixtures.path("golden/gguf/\(name).gguf")))
    for key in source.schema.configuration where !key.name.hasSuffix("Token") {
      // A scaling is spelt in several ways; the forward pass shows that it is the same.
      if key.name == "ropeScaling" { continue }
      let (found, expected) = (
        gguf.hyperparameters.value(key.name), source.hyperparameters.value(key.name)
      )
      #expect(found == expected || found?.double == expected?.double, "\(key.name)")
    }
  }

  @Test("a list of one number for each layer is that number, where all are equal")
  func layerLists() throws {
    let source = Fixtures.path("golden/gguf/llama-gqa.gguf")
    let file = try GGUFFile(at: source)
    let original = try NameMap(try Checkpoint(opening: source)).hyperparameters
    let layers = original.integer("layerCount")
    let lists = ["attention.head_count", "attention.head_count_kv", "feed_forward_length"]
    let metadata = try file.keyValues().map { (entry) throws(FormatError) in
      guard lists.contains(where: { entry.key == "llama.\($0)" }),
        let value = try file.integer(entry.key)
      else { return entry }
      return GGUFKeyValue.integers(entry.key, Array(repeating: Int32(value), count: layers))
    }
    #expect(layers > 1 && metadata.count { $0.type == GGUFValueType.array } >= lists.count)
    let copy = directory.path("lists.gguf")
    try GGUFWriter.write(
      to: copy, metadata: metadata,
      tensors: file.tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) }
    ) { (index, sink) throws(FormatError) in try sink(file.bytes(of: file.tensors[index])) }
    let read = try NameMap(try Checkpoint(opening: copy)).hyperparameters
    for name in ["headCount", "keyValueHeadCount", "intermediateSize"] {
      #expect(original.value(name) != nil && read.value(name) == original.value(name), "\(name)")
    }
  }

  @Test("a BERT with another tokenizer or attention is refused")
  func otherModels() throws {
    var bert = GGUFForge()
    bert.add("general.architecture", "bert")
    bert.add("tokenizer.ggml.model", "gpt2")
    #expect(try error(bert)?.place == "key 'tokenizer.ggml.model'")
    bert.keys.removeLast()
    bert.add("bert.attention.causal", .bool, [1])
    #expect(try error(bert)?.place == "key 'bert.attention.causal'")
  }

  @Test("a file without an architecture is refused; an unknown one can be looked at")
  func architectures() throws {
    var forge = GGUFForge.sample()
    let path = try directory.write(forge.bytes, to: "model.gguf")
    let checkpoint = try Checkpoint(opening: path)
    #expect(checkpoint.tensors.map(\.name) == ["a", "b", "c"])
    let type = checkpoint.configuration?["model_type"]?.string
    #expect(type == "example")
    let numbers = (0..<32).map { Float($0) }
    #expect(try checkpoint.floats(of: "b") == numbers)
    let error = #expect(throws: FormatError.self) { try NameMap(checkpoint) }
    #expect(error?.place == "key 'model_type'")
    forge.keys.removeFirst()
    #expect(try self.error(forge)?.place == "key 'general.architecture'")
  }
}
