// A Markdown document of the repository, and the commands that it shows.

import Foundation
import HHTestSupport
import Testing

/// A document with its commands, which a reader types from top to bottom.
///
/// An indented block whose first line begins with `$ ` is a transcript: every line with `$ ` is a
/// command, what follows it is what the command prints. A line that ends in `\` goes on in the next
/// one, and `<<'WORD'` takes the lines down to WORD along. A block fenced as
/// "console skip: REASON" holds commands that are not run, and why.
struct Document: CustomTestStringConvertible, Sendable {
  /// A command of a document.
  struct Command: CustomTestStringConvertible, Sendable {
    /// The document's path and the command's line, counted from 1.
    let place: String
    let text: String
    /// What the document says that it prints.
    let shown: [String]
    /// The number of its block in the document.
    let block: Int
    /// Why it is not run; nil where it is.
    let skipReason: String?

    /// Whether the document shows a failure.
    var fails: Bool { shown.contains { $0.hasPrefix("error: ") } }
    var testDescription: String { "\(place): \(text)\(skipReason.map { " (\($0))" } ?? "")" }
  }

  /// A block fenced with a language.
  struct Fence {
    /// The words behind the backticks.
    let language: String
    let lines: [String]
  }

  /// The path from the repository's root.
  let path: String
  let text: String
  let commands: [Command]
  let fences: [Fence]
  var testDescription: String { path }

  /// Reads a document, by its path from the repository's root.
  init(at path: String) throws {
    self.path = path
    text = try String(contentsOfFile: "\(Fixtures.root)/\(path)", encoding: .utf8)
    var reader = BlockReader(path: path)
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      reader.take(line, number: index + 1)
    }
    reader.endBlock()
    (commands, fences) = (reader.commands, reader.fences)
  }

  /// README.md, the documents beside it, and those under docs/.
  static let all: [Document] = {
    do {
      let docs = try FileManager.default.contentsOfDirectory(atPath: "\(Fixtures.root)/docs")
      return try
        (["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" })
        .map(Document.init(at:))
    } catch {
      fatalError("a document cannot be read: \(error)")
    }
  }()

  /// The document of a path that `all` has.
  static func named(_ path: String) throws -> Document { try Document(at: path) }
}

/// Collects blocks line by line.
private struct BlockReader {
  let path: String
  var commands: [Document.Command] = []
  var fences: [Document.Fence] = []
  private var block: [(number: Int, line: String)] = []
  private var blockCount = 0
  /// The language of the fence that is open.
  private var language: String?

  init(path: String) { self.path = path }

  mutating func take(_ line: String, number: Int) {
    if let language {
      if line == "```" {
        fences.append(Document.Fence(language: language, lines: block.map(\.line)))
        let isConsole = language.hasPrefix("console")
        endBlock(skipping: isConsole ? String(language.dropFirst(7)) : nil, isRead: isConsole)
        self.language = nil
      } else {
        block.append((number, line))
      }
    } else if line.hasPrefix("```") {
      endBlock()
      language = String(line.dropFirst(3))
    } else if line.hasPrefix("    ") {
      block.append((number, String(line.dropFirst(4))))
    } else if line.isEmpty {
      if !block.isEmpty { block.append((number, "")) }
    } else {
      endBlock()
    }
  }

  /// Reads the commands of the block that ends here, if it is a transcript.
  mutating func endBlock(skipping reason: String? = nil, isRead: Bool = true) {
    defer { block = [] }
    guard isRead, block.first?.line.hasPrefix("$ ") == true else { return }
    blockCount += 1
    var rest = block[...]
    while let first = rest.popFirst() {
      var text = String(first.line.dropFirst(2))
      while text.hasSuffix("\\"), let next = rest.popFirst() { text += "\n" + next.line }
      if let word = text.firstMatch(of: /<<'(\w+)'/)?.1 {
        while let next = rest.popFirst() {
          text += "\n" + next.line
          if next.line == word { break }
        }
      }
      var shown: [String] = []
      while let next = rest.first, !next.line.hasPrefix("$ ") {
        shown.append(next.line)
        rest.removeFirst()
      }
      while shown.last?.isEmpty == true { shown.removeLast() }
      commands.append(
        Document.Command(
          place: "\(path):\(first.number)", text: text, shown: shown, block: blockCount,
          skipReason: reason))
    }
  }
}
