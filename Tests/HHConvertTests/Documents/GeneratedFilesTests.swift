// Files of the repository that follow from the declarations of settings and options.

import Foundation
import HHFormat
import HHPipeline
import HHTestSupport
import Testing

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
      var lines = sections[index].components(separatedBy: "\n")
      let first = try #require(
        lines.firstIndex { $0.hasPrefix("| option") }, "docs/options.md: \(name) has no table")
      let count = lines[first...].prefix { $0.hasPrefix("|") }.count
      lines.replaceSubrange(first..<first + count, with: table)
      sections[index] = lines.joined(separator: "\n")
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
