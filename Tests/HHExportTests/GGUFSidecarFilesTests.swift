// Files for transformers from the metadata of a GGUF model.

import HHData
import HHFormat
import HHTestSupport
import Testing

@testable import HHExport

@Suite("GGUFSidecarFiles")
struct GGUFSidecarFilesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func sidecars(_ keys: [GGUFKeyValue]) throws -> GGUFSidecarFiles {
    let path = directory.path("model.gguf")
    _ = try GGUFWriter.write(to: path, metadata: keys, tensors: [], replacing: true) { _, _ in }
    return GGUFSidecarFiles(metadata: try GGUFFile(at: path))
  }

  private func text(_ file: SidecarFile?) throws -> String {
    String(decoding: try #require(file).content, as: UTF8.self)
  }

  @Test("generation stops at every end")
  func generation() throws {
    let sidecars = try sidecars([.string("general.name", "x")])
    #expect(sidecars.generationConfiguration(SpecialTokens(bos: 1)) == nil)
    let one = try text(sidecars.generationConfiguration(SpecialTokens(bos: 1, eos: 2)))
    #expect(
      try JSONValue(parsing: Array(one.utf8))
        == .object(["eos_token_id": .integer(2), "bos_token_id": .integer(1)]))
    let several = SpecialTokens(eos: 2, otherEnds: [5, 2], padding: 0)
    let file = try text(sidecars.generationConfiguration(several))
    #expect(
      try JSONValue(parsing: Array(file.utf8))
        == .object([
          "eos_token_id": .array([.integer(2), .integer(5)]), "pad_token_id": .integer(0),
        ]))
  }

  @Test("one chat template is a text, several are a list")
  func templates() throws {
    #expect(try sidecars([.string("general.name", "x")]).chatTemplate() == nil)
    let one = GGUFKeyValue.string("tokenizer.chat_template", "{{ a }}")
    #expect(try sidecars([one]).chatTemplate() == .string("{{ a }}"))
    let several = try sidecars([
      one, .strings("tokenizer.chat_templates", ["tools", "missing"]),
      .string("tokenizer.chat_template.tools", "{{ b }}"),
    ])
    #expect(
      try several.chatTemplate()
        == .array([
          .object(["name": .string("default"), "template": .string("{{ a }}")]),
          .object(["name": .string("tools"), "template": .string("{{ b }}")]),
        ]))
  }

  @Test("a card has the licence, the languages and the base models, quoted where need be")
  func card() throws {
    #expect(try sidecars([.string("general.name", "x")]).card() == nil)
    let file = try sidecars([
      .string("general.name", "A <b>model</b>\n# x"), .string("general.license", "apache-2.0"),
      .string("general.license.name", "a: b\nc: d"), .strings("general.languages", ["en", "no"]),
      .uint32("general.base_model.count", 2), .string("general.base_model.0.name", "Base"),
      .string("general.base_model.0.organization", "Org"),
      .string("general.base_model.1.repo_url", "https://huggingface.co/org/model-1.5"),
    ]).card()
    #expect(
      try text(file) == """
        ---
        license: apache-2.0
        license_name: "a: bc: d"
        language:
        - en
        - "no"
        base_model:
        - Org/Base
        - org/model-1.5
        ---

        # A bmodel/b# x

        """)
  }
}
