// Tables of a recipe's keys, made of its schema.

import Foundation
import HHFormat

/// The keys that a mapping of a recipe may have, for a document.
struct SettingTable {
  /// What is said of a key.
  private struct Row {
    let key: String
    /// Meaning and default, and the stages for which they hold.
    var entries: [(stages: [String], meaning: String, usual: String)]

    func cell(
      _ part: ((stages: [String], meaning: String, usual: String)) -> String
    ) -> String {
      var groups: [(stages: [String], text: String)] = []
      for entry in entries {
        let text = part(entry)
        if let index = groups.firstIndex(where: { $0.text == text }) {
          groups[index].stages += entry.stages
        } else {
          groups.append((entry.stages, text))
        }
      }
      if groups.count == 1 { return groups[0].text }
      // Sentences become parts of one.
      let end = groups.allSatisfy { $0.text.hasSuffix(".") } ? "." : ""
      return groups.map { group in
        let text = group.text.dropLast(end.count)
        return "\(group.stages.joined(separator: ", ")): \(text)"
      }.joined(separator: "; ") + end
    }
  }

  private var rows: [Row] = []
  private let stages: [String]

  /// The keys of one mapping, its properties by the schema.
  init(_ properties: JSONValue?) {
    stages = []
    for (key, member) in properties?.object?.pairs ?? [] where member["const"] == nil {
      add(key, member, stage: nil, opened: key != "model")
    }
  }

  /// The keys of stages side by side.
  init(stages: [String], of definitions: JSONValue?) {
    self.stages = stages
    for stage in stages {
      for (key, member) in definitions?[stage]?["properties"]?.object?.pairs ?? []
      where member["const"] == nil { add(key, member, stage: stage, opened: true) }
    }
  }

  /// Adds a key, and after it those of the mapping that it holds.
  private mutating func add(_ key: String, _ member: JSONValue, stage: String?, opened: Bool) {
    if let text = member["description"]?.string {
      let (meaning, usual) = Self.words(text, member)
      let entry = (stages: [stage].compactMap(\.self), meaning: meaning, usual: usual)
      if let index = rows.firstIndex(where: { $0.key == key }) {
        rows[index].entries.append(entry)
      } else {
        rows.append(Row(key: key, entries: [entry]))
      }
    }
    guard opened else { return }
    for (name, inner) in member["properties"]?.object?.pairs ?? [] {
      add("\(key).\(name)", inner, stage: stage, opened: true)
    }
  }

  /// Meaning and default of a key.
  private static func words(_ text: String, _ member: JSONValue) -> (String, String) {
    var (meaning, usual) = (text, "")
    if let start = text.range(of: "; null is ", options: .backwards) {
      usual = String(text[start.upperBound...].dropLast())
      meaning = String(text[..<start.lowerBound]) + "."
    }
    let choices = (member["enum"] ?? member["items"]?["enum"])?.array?.compactMap(\.string) ?? []
    if !choices.isEmpty {
      meaning = "\(meaning.dropLast()): \(choices.map { "`\($0)`" }.joined(separator: ", "))."
    }
    switch member["default"] {
    case .null?: return (meaning, usual.isEmpty ? "none" : usual)
    case .object?, nil: return (meaning, usual)
    case .string(let word)?: return (meaning, "`\(word)`")
    case .array(let items)?:
      let words = items.map { $0["stage"]?.string ?? $0.string ?? $0.text }
      return (meaning, words.isEmpty ? "none" : words.joined(separator: ", "))
    case let value?: return (meaning, value.text)
    }
  }

  /// The lines of the table.
  var lines: [String] {
    let isStaged = !stages.isEmpty
    let head = isStaged ? "| key | stages | meaning | default |" : "| key | meaning | default |"
    return [head, isStaged ? "|---|---|---|---|" : "|---|---|---|"]
      + rows.map { row in
        let named = row.entries.flatMap(\.stages)
        let places = named.count == stages.count ? "all" : named.joined(separator: ", ")
        let cells =
          ["`\(row.key)`"] + (isStaged ? [places] : [])
          + [row.cell(\.meaning), row.cell(\.usual)]
        return "| \(cells.joined(separator: " | ")) |".replacing("  |", with: " |")
      }
  }
}
