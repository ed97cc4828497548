// Files of the repository that follow from the declarations of settings, options and feature maps.

import Foundation
import HHFormat
import HHPipeline
import HHTestSupport
import Testing

@testable import HHExport

/// With `HH_GOLDENS=write` in the environment, which `scripts/generate` sets, the files are written.
@Suite("GeneratedFiles")
struct GeneratedFilesTests {
  private func check(_ path: String, is text: String) throws {
    let file = URL(filePath: "\(Fixtures.root)/\(path)")
    if ProcessInfo.processInfo.environment["HH_GOLDENS"] == "write" {
      try Data(text.utf8).write(to: file, options: .atomic)
    }
    let isFresh = try String(contentsOf: file, encoding: .utf8) == text
    #expect(isFresh, "\(path) is not what the declarations say: run scripts/generate")
  }

  @Test("schemas/recipe.schema.json is the schema that the program checks recipes by")
  func schema() throws {
    try check("schemas/recipe.schema.json", is: RecipeSchema.document.readableText)
  }

  @Test("the tables of keys in docs/recipes.md are what the schema says")
  func recipes() throws {
    let schema = RecipeSchema.document
    let stages = schema["$defs"]
    let tables = [
      "The recipe": SettingTable(schema["properties"]),
      "The stage `rewrite`": SettingTable(stages?["rewrite"]?["properties"]),
      "The stages `distil`, `finetune` and `train`":
        SettingTable(stages: ["distil", "finetune", "train"], of: stages),
      "The stage `evaluate`": SettingTable(stages?["evaluate"]?["properties"]),
      "The sizes of a new model": SettingTable(schema["properties"]?["model"]?["properties"]),
    ]
    var sections = try Document.named("docs/recipes.md").text.components(separatedBy: "\n### ")
    for (title, table) in tables {
      let index = try #require(sections.firstIndex { $0.hasPrefix("\(title)\n") }, "\(title)")
      sections[index] = try Self.replacing("| key", in: sections[index], with: table.lines)
    }
    try check("docs/recipes.md", is: sections.joined(separator: "\n### "))
  }

  @Test("the Python package has the attention's code as an exported folder has it")
  func python() throws {
    let code = try #require(PythonCode.files.first { $0.name == "linear_attention.py" })
    let text = String(decoding: code.content, as: UTF8.self)
    try check("python/hedgehog_convert/linear_attention.py", is: text)
  }

  /// A section with other lines in the place of the table that begins with `head`.
  private static func replacing(
    _ head: String, in section: String, with table: [String]
  ) throws -> String {
    var lines = section.components(separatedBy: "\n")
    let first = try #require(lines.firstIndex { $0.hasPrefix(head) }, "no table in \(lines[0])")
    let count = lines[first...].prefix { $0.hasPrefix("|") }.count
    lines.replaceSubrange(first..<first + count, with: table)
    return lines.joined(separator: "\n")
  }

  @Test("the tables of docs/options.md are what the program says of its options")
  func options() throws {
    let dump = try Tool.run("--experimental-dump-help", in: TemporaryDirectory()).output
    let root = try JSONValue(parsing: Array(dump.utf8))
    var sections = try Document.named("docs/options.md").text.components(separatedBy: "\n## ")
    for command in try #require(root["command"]?["subcommands"]?.array) {
      let name = try #require(command["commandName"]?.string)
      guard let index = sections.firstIndex(where: { $0.hasPrefix("\(name)\n") }),
        let table = Self.table(of: command)
      else { continue }
      sections[index] = try Self.replacing("| option", in: sections[index], with: table)
    }
    try check("docs/options.md", is: sections.joined(separator: "\n## "))
  }

  /// The lines of the table of a command's options; nil for one without.
  private static func table(of command: JSONValue) -> [String]? {
    let rows = (command["arguments"]?.array ?? []).compactMap { row(of: $0) }
    return rows.isEmpty ? nil : ["| option | meaning | default |", "|---|---|---|"] + rows
  }

  private static func row(of argument: JSONValue) -> String? {
    let names = argument["names"]?.array?.compactMap { $0["name"]?.string } ?? []
    guard !names.isEmpty, !names.contains("help"), !names.contains("version") else { return nil }
    let isFlag = argument["kind"]?.string == "flag"
    let value = isFlag ? "" : " <\(argument["valueName"]?.string ?? "")>"
    let spelled = names.sorted { $0.count < $1.count }.map { name in
      name.count == 1 ? "`-\(name)`" : "`--\(name)\(value)`"
    }
    var meaning = argument["abstract"]?.string ?? ""
    var usual = ""
    if meaning.hasSuffix(")."),
      let start = meaning.range(of: " (default: ", options: .backwards)
    {
      usual = String(meaning[start.upperBound...].dropLast(2))
      meaning = meaning[..<start.lowerBound] + "."
    }
    let cells = [spelled.joined(separator: ", "), meaning, usual].map {
      $0.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
    return "| \(cells.joined(separator: " | ")) |".replacing("  |", with: " |")
  }
}
