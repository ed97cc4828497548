// The closed list of names, in Swift and in the schema.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("SidecarRules")
struct SidecarRulesTests {
  static let allowed = [
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.txt", "README.md",
    "gguf.json", "chat_template.jinja", "LICENSE", "LICENSE-MIT", "LICENSE-2.0", "Licence.txt",
    "license.md", "LICENSE_APACHE.rst", "LICENSE AGREEMENT.pdf", "NOTICE", "USE_POLICY.md",
  ]
  static let refused = [
    "", ".", "..", ".git", ".gitattributes", "a/b", "../../etc/passwd", "/etc/passwd", "a\\b",
    "tokenization_evil.py", "torch.py", "LICENSE.py", "notice.PY", "LICENSE.txt.py",
    "LICENSE.so", "NOTICE.bin", "LICENSE.", "LICENSE.html", "pytorch_model.bin",
    "model.safetensors",
    "config.json", "modeling_hedgehog.py", "linear_attention.py", "adapter_config.json",
    "generate.py", "chat_template.py", "chat_template.", "Tokenizer.json", "tokenizer.json\n",
    "tokenizer.json\u{0}", "LICENSE\u{1B}[31m", "LICENSE\n", "LICEN\u{17F}E", "LICENSE/MIT",
    "NOTICE\u{202E}txt", "empty.txt", "LICENSE-2.0x", "SOURCE_README.md",
  ]

  @Test("what is listed is allowed", arguments: allowed)
  func allows(name: String) { #expect(SidecarRules.allows(name)) }

  @Test("what is not listed is refused, by a manifest too", arguments: refused)
  func refuses(name: String) throws {
    #expect(!SidecarRules.allows(name))
    let text = ArtifactManifestTests.manifest.json.text.replacing(
      "\"vocab.txt\"", with: JSONValue.string(name).text
    ).replacing(
      "\"hedgehog.files/vocab.txt\"", with: JSONValue.string("hedgehog.files/\(name)").text)
    let error = #expect(throws: FormatError.self) {
      try ArtifactManifest(parsing: text, file: "a.zst")
    }
    #expect(error?.kind == .badData)
    #expect(
      error?.problem.contains("found \(quoted(name))") == true, "\(String(describing: error))")
  }

  @Test("the schema has the same list")
  func schema() throws {
    let schema = try JSONObject(
      contentsOf: "\(Fixtures.root)/schemas/artifact.schema.json")
    let names = schema["$defs"]?["files"]?["propertyNames"]
    let listed = names?["anyOf"]?.array?.first?["enum"]?.array?.compactMap(\.string) ?? []
    let pattern = try Regex(try #require(names?["anyOf"]?.array?.last?["pattern"]?.string))
    func isValid(_ name: String) -> Bool {
      listed.contains(name) || name.firstMatch(of: pattern) != nil
    }
    #expect(listed.count == 15 && listed.allSatisfy { SidecarRules.allows($0) })
    for name in Self.allowed { #expect(isValid(name), "\(name)") }
    for name in Self.refused { #expect(!isValid(name), "\(quoted(name))") }
    let bytes = schema["$defs"]?["files"]?["additionalProperties"]?["properties"]?["bytes"]
    #expect(bytes?["maximum"]?.integer == SidecarRules.maximumSize)
  }

  @Test("a file that is larger than any that is written is refused")
  func size() {
    let text = ArtifactManifestTests.manifest.json.text.replacing(
      "{\"bytes\":5", with: "{\"bytes\":\(SidecarRules.maximumSize + 1)")
    let error = #expect(throws: FormatError.self) {
      try ArtifactManifest(parsing: text, file: "a.zst")
    }
    #expect(error?.problem.contains("at most 67108864, found 67108865") == true)
  }
}
