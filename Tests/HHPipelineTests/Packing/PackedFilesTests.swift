// Whose tokenizer, licences and card a packed artifact carries.

import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("PackedFiles")
struct PackedFilesTests {
  private func text(_ files: [SidecarFile], _ name: String) -> String? {
    files.first { $0.name == name }.map { String(decoding: $0.content, as: UTF8.self) }
  }

  @Test("the folder's files come over the base's, but for the card")
  func order() throws {
    let export = try TrainedExport()
    let base = try Checkpoint(opening: export.artifact)
    try export.directory.write("{\"max_length\": 9}", to: "exported/generation_config.json")
    try export.directory.write("{% x %}", to: "exported/chat_template.jinja")
    let files = try PackedFiles(of: export.folder, base: base).files
    #expect(files.map(\.name) == ["README.md", "chat_template.jinja", "generation_config.json"])
    #expect(text(files, "README.md") == "source's card")
    #expect(text(files, "generation_config.json") == "{\"max_length\": 9}")
    let alone = try PackedFiles(of: export.folder, base: nil).files
    #expect(text(alone, "README.md") == "source's card")
  }

  @Test("a base from GGUF keeps its own alone")
  func gguf() throws {
    let export = try TrainedExport()
    let directory = try TemporaryDirectory()
    try directory.write("{}", to: "gguf.json")
    try directory.write("{}", to: "generation_config.json")
    try ModelCopy(golden: "llama-gqa").write(to: "model", in: directory)
    try directory.write("{}", to: "model/gguf.json")
    let base = try Checkpoint(opening: directory.path("model"))
    #expect(try PackedFiles(of: export.folder, base: base).files.map(\.name) == ["gguf.json"])
  }

  @Test("a file that is a link out of the folder is refused")
  func links() throws {
    let export = try TrainedExport()
    let other = try TemporaryDirectory()
    try other.write("{}", to: "secret")
    try export.directory.link("exported/tokenizer_config.json", to: other.path("secret"))
    #expect(export.refusal(export.folder)?.problem.contains("link") == true)
  }
}
