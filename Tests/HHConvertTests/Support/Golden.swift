// What users can see, frozen: a text that a later build must give again, or change on purpose.

import Foundation
import HHTestSupport
import Synchronization
import Testing

/// The texts in `Tests/Goldens`, one JSON file for each group, one list of lines for each name.
///
/// With `HH_GOLDENS=write` in the environment every check records what it sees instead. A change of
/// a golden belongs into the commit that causes it, and into CHANGELOG.md.
enum Golden {
  private typealias Group = [String: [String]]
  private static let isWriting = ProcessInfo.processInfo.environment["HH_GOLDENS"] == "write"
  private static let groups = Mutex<[String: Group]>([:])

  /// Expects `text`, with what varies from run to run masked, to be the golden of that name.
  static func check(
    _ group: String, _ name: String, _ text: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let lines = masked(text).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    let expected = try groups.withLock { groups in
      var known = try groups[group] ?? read(group)
      if isWriting, known[name] != lines {
        known[name] = lines
        try write(known, to: group)
      }
      groups[group] = known
      return known[name]
    }
    #expect(expected == lines, "golden '\(name)' of \(group)", sourceLocation: sourceLocation)
  }

  /// Expects an error of a bad-input table to have the words that it had, however often the table
  /// has it.
  static func checkError(
    _ text: String, like message: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let lines = masked(text).split(separator: "\n").map(String.init)
      .filter { !$0.hasPrefix("reading ") }
    let name = masked(message)
    let isKnown = groups.withLock { groups in
      var known = groups["errors"] ?? ((try? read("errors")) ?? [:])
      let error = lines.joined(separator: " | ")
      if isWriting, known[name]?.contains(error) != true {
        known[name] = ((known[name] ?? []) + [error]).sorted()
        try? write(known, to: "errors")
      }
      groups["errors"] = known
      return known[name]?.contains(error) == true
    }
    #expect(isKnown, "golden error like '\(name)': \(lines)", sourceLocation: sourceLocation)
  }

  /// Whether a group was ever recorded, or is being recorded now.
  static func has(_ group: String) -> Bool {
    isWriting || FileManager.default.fileExists(atPath: file(of: group))
  }

  private static func file(of group: String) -> String {
    "\(Fixtures.root)/Tests/Goldens/\(group).json"
  }

  private static func read(_ group: String) throws -> Group {
    guard FileManager.default.fileExists(atPath: file(of: group)) else { return [:] }
    let data = try Data(contentsOf: URL(filePath: file(of: group)))
    return try JSONDecoder().decode(Group.self, from: data)
  }

  private static func write(_ content: Group, to group: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try (encoder.encode(content) + Data("\n".utf8)).write(
      to: URL(filePath: file(of: group)), options: .atomic)
  }

  /// The text without temporary folders, times, rates and sizes that vary.
  private static func masked(_ text: String) -> String {
    let masks = [
      (#"/[^ "']*hh-convert-[0-9A-F-]{36}"#, "FOLDER"),
      (#""(seconds|seconds_left|tokens_per_second|peak_memory_bytes)":[0-9.e+-]+"#, "\"$1\":0"),
      (#"about [0-9.,]+ (ms|s|min|h)\b"#, "about TIME"),
      (#"\.[^./]+\.[0-9]+\.partial"#, ".PID.partial"),
      (#"time( +)about .*"#, "time$1about TIME"),
      // How far a trained artifact came depends on how small its weights became.
      (#"write failed after [0-9]+ bytes"#, "write failed after N bytes"),
    ]
    return masks.reduce(text) { text, mask in
      text.replacingOccurrences(of: mask.0, with: mask.1, options: .regularExpression)
    }
  }
}
