// Where a model's chat template is looked for, and what is said where there is none.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData

@Suite("ChatTemplateLoader")
struct ChatTemplateLoaderTests {
  private let directory: TemporaryDirectory
  private let folder: String

  init() throws {
    directory = try TemporaryDirectory()
    folder = try ModelCopy("llama").write(to: "m", in: directory)
    for name in ["tokenizer.model", "tokenizer_config.json"] {
      try directory.write(readBytes(at: Fixtures.path("models/llama/\(name)")), to: "m/\(name)")
    }
  }

  private static let zephyr = ChatFamily.zephyr.template(bos: "<s>", eos: "</s>")
  private static let text =
    "{% for message in messages %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n"
    + "{{ '<|assistant|>' }}\n{% endfor %}"

  private func template(_ family: ChatFamily? = nil) throws -> ChatTemplate {
    let checkpoint = try Checkpoint(opening: folder)
    let tokenizer = try #require(try TokenizerLoader.load(of: checkpoint))
    return try ChatTemplate(of: checkpoint, tokenizer, family: family)
  }

  /// Writes a value as `chat_template` of tokenizer_config.json.
  private func configure(_ value: JSONValue) throws {
    var object = try JSONObject(contentsOf: directory.path("m/tokenizer_config.json"))
    object["chat_template"] = value
    try directory.write(JSONValue.object(object).text, to: "m/tokenizer_config.json")
  }

  @Test("a template comes from its own file, or from the tokenizer's settings, alone or by name")
  func files() throws {
    #expect(throws: FormatError.self) { try template() }
    try configure(.string(Self.text))
    #expect(try template() == Self.zephyr)
    func named(_ name: String) -> JSONValue {
      .object(["name": .string(name), "template": .string(Self.text)])
    }
    try configure(
      .array([.object(["name": .string("rag"), "template": .string("x")]), named("default")]))
    #expect(try template() == Self.zephyr)
    try configure(.array([named("rag")]))
    #expect(throws: FormatError.self) { try template() }
    try directory.write(Self.text, to: "m/chat_template.jinja")
    #expect(try template() == Self.zephyr)
  }

  @Test("GGUF metadata has it under a key of its own")
  func metadata() throws {
    try directory.write(
      JSONValue.object([
        "metadata": .object([
          "tokenizer.chat_template": .object([
            "type": .string("string"), "value": .string(Self.text),
          ])
        ])
      ]).text, to: "m/" + SidecarRules.ggufName)
    #expect(try template() == Self.zephyr)
  }

  @Test("a model without a template, one that is not known, and what a family needs")
  func refused() throws {
    let missing = try #require(throws: FormatError.self) { try template() }
    #expect(missing.kind == .missingInput)
    #expect(
      missing.description.hasSuffix(
        "hint: choose one of chatml, llama-2, llama-3, zephyr, mistral with template NAME"))
    try configure(.string("{{ '<start_of_turn>' }}"))
    let known = try #require(throws: FormatError.self) { try template() }
    #expect(
      known.problem == "expected chatml, llama-2, llama-3, zephyr or mistral, found gemma")
    try configure(.string("{{ \u{1B}[2J }}"))
    let unknown = try #require(throws: FormatError.self) { try template() }
    #expect(unknown.problem.hasSuffix(#"found another, '{{ \u{1B}[2J }}'"#))
    #expect(try template(.mistral).family == .mistral)
    let foreign = try #require(throws: FormatError.self) { try template(.chatml) }
    #expect(
      foreign.problem
        == "expected a tokenizer with the token that ends its messages, '<|im_end|>'; found none")
  }

  @Test("an artifact carries its model's template")
  func artifact() throws {
    let path = directory.path("a.hedgehog.safetensors.zst")
    let files = try ["tokenizer.model", "tokenizer_config.json"].map { name in
      SidecarFile(name: name, content: try readBytes(at: Fixtures.path("models/llama/\(name)")))
    }
    let template = SidecarFile(name: "chat_template.jinja", content: Array(Self.text.utf8))
    try Artifacts.write("llama-mha", to: path, files: files + [template])
    let checkpoint = try Checkpoint(opening: path)
    let tokenizer = try #require(try TokenizerLoader.load(of: checkpoint))
    #expect(try ChatTemplate(of: checkpoint, tokenizer) == Self.zephyr)
  }
}
