// What documents name: files, options, other documents.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("the documents' text")
struct DocumentTextTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  /// The options of every command; `convert` is the one that needs no name.
  private static let commandOptions: [String: Set<String>] = {
    do {
      let bench = try Bench()
      let commands = try Tool.run("--help", in: bench.folder).lines.drop { $0 != "SUBCOMMANDS:" }
        .compactMap { $0.firstMatch(of: #/^  (\w+) /#)?.1 }.map(String.init)
      let options = try commands.filter { $0 != "See" }.map { command in
        // Of a command with commands, all of them.
        let more = command == "recipe" ? [["print"], ["list"]] : [[]]
        let lines = try more.flatMap { words in
          try Tool.run(["help", command] + words, in: bench.folder).lines
        }
        let names = lines.filter { $0.hasPrefix("  -") }
          .flatMap { $0.matches(of: /[\s,](--?[a-z][a-z-]*)/).map { String($0.1) } }
        return (command, Set(names))
      }
      return Dictionary(uniqueKeysWithValues: options)
    } catch {
      fatalError("the program cannot be asked for its options: \(error)")
    }
  }()

  @Test("README.md has at most 150 lines and links to every other document")
  func readme() throws {
    let readme = try Document.named("README.md")
    #expect(readme.text.split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
    for document in Document.all where document.path != "README.md" {
      #expect(readme.text.contains("(\(document.path))"), "\(document.path)")
    }
  }

  @Test("links lead to files and headings that are there", arguments: Document.all)
  func links(_ document: Document) throws {
    for match in document.text.matches(of: /\]\(([^)\s]+)\)/) where !match.1.contains("://") {
      let parts = match.1.split(separator: "#", omittingEmptySubsequences: false)
      let folder = directory(of: "\(Fixtures.root)/\(document.path)")
      let target =
        parts[0].isEmpty ? "\(Fixtures.root)/\(document.path)" : join(folder, String(parts[0]))
      guard FileManager.default.fileExists(atPath: target) else {
        Issue.record("\(document.path): \(match.1): no such file")
        continue
      }
      guard parts.count > 1 else { continue }
      let text = try String(contentsOfFile: target, encoding: .utf8)
      #expect(anchors(of: text).contains(String(parts[1])), "\(document.path): \(match.1)")
    }
  }

  /// The anchors that Markdown viewers give to headings.
  private func anchors(of text: String) -> Set<String> {
    Set(
      text.matches(of: /(?m)^#+ (.+)$/).map { match in
        match.1.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
          .replacing(" ", with: "-")
      })
  }

  @Test("paths of the repository lead to something", arguments: Document.all)
  func paths(_ document: Document) {
    let folders = "Benchmarks|Sources|Tests|docs|fixtures|python|schemas|scripts"
    guard let pattern = try? Regex<(Substring, Substring)>("`((?:\(folders))/[^`\\s]*)") else {
      Issue.record("the pattern is none")
      return
    }
    for match in document.text.matches(of: pattern) where match.output.1.allSatisfy(\.isPathPart) {
      let path = "\(Fixtures.root)/\(match.output.1)"
      #expect(FileManager.default.fileExists(atPath: path), "\(document.path): \(match.output.1)")
    }
  }

  @Test("options that are named exist", arguments: Document.all)
  func options(_ document: Document) throws {
    let known = Self.commandOptions.values.reduce(into: Set()) { $0.formUnion($1) }
    let scripts = [
      "scripts/bench", "scripts/install", "scripts/package", "scripts/recovery",
      "Benchmarks/peers/compare",
    ]
    let texts = try scripts.map {
      try String(contentsOfFile: "\(Fixtures.root)/\($0)", encoding: .utf8)
    }
    // Those of `swift`, which builds and tests, of transformers and pip, of Slurm and of PyTorch's
    // launcher, and words that stand for any option.
    let others = [
      "--strict", "--build-tests", "--skip-build", "--filter", "--trust-remote-code", "--no-deps",
      "--max-shard-size", "--options", "--stepz", "--array", "--cpus-per-task", "--mem", "--time",
      "--requeue", "--open-mode", "--signal", "--nnodes", "--nproc-per-node",
    ]
    for match in document.text.matches(of: /(?:^|[\s`(\[])(--[a-z][a-z-]*)/) {
      let option = String(match.1)
      #expect(
        known.contains(option) || others.contains(option) || texts.contains { $0.contains(option) },
        "\(document.path): \(option)")
    }
  }

  @Test("the words of docs/troubleshooting.md are those of errors that are known")
  func errorWords() throws {
    let errors = try String(
      contentsOfFile: "\(Fixtures.root)/Tests/Goldens/errors.json", encoding: .utf8)
    let rows = try Document.named("docs/troubleshooting.md").text.split(separator: "\n")
      .filter { $0.firstMatch(of: #/^\| \d/#) != nil }
    #expect(rows.count > 15)
    for row in rows {
      for match in row.split(separator: " | ")[0].matches(of: /`([^`]+)`/) {
        #expect(errors.contains(match.1), "\(match.1)")
      }
    }
  }

  @Test("docs/options.md has a section for each command, which names all its options")
  func allOptions() throws {
    let text = try Document.named("docs/options.md").text
    #expect(Self.commandOptions.count > 10)
    for (command, options) in Self.commandOptions {
      let parts = text.components(separatedBy: "\n## \(command)\n")
      try #require(parts.count == 2, "\(command)")
      let section = parts[1].components(separatedBy: "\n## ")[0]
      for option in options.subtracting(["--help", "-h", "--version"]) {
        let isNamed = section.contains("`\(option)`") || section.contains("`\(option) ")
        #expect(isNamed, "\(command): \(option)")
      }
    }
  }

  @Test("docs/options.md names every exit status")
  func exitStatuses() throws {
    let rows = try Document.named("docs/options.md").text.split(separator: "\n")
      .filter { $0.hasPrefix("| ") }
    let named = rows.compactMap { $0.split(separator: "|").first }
      .flatMap { $0.split(whereSeparator: { " ,".contains($0) }).compactMap { Int($0) } }
    #expect(named == [0, 3, 64, 65, 66, 69, 70, 73, 74, 75, 78, 129, 130, 138, 143])
  }

  @Test(
    "a command that is not run has a reason, and options that exist",
    arguments: Document.all.flatMap(\.commands).filter { $0.skipReason != nil })
  func skipped(_ command: Document.Command) throws {
    let reason = try #require(command.skipReason)
    #expect(reason.firstMatch(of: #/^ skip: \w/#) != nil, "\(reason)")
    try bench.folder.write(command.text, to: "command")
    #expect(try Tool.shell("sh -n command", in: bench.folder).status == 0)
    let words = command.text.split(whereSeparator: \.isWhitespace).map(String.init)
      .drop { $0.firstMatch(of: /^[A-Z_]+=/) != nil }
    let wanted = words.filter { $0.hasPrefix("-") }
    let name = try #require(words.first)
    if name == "hh-convert" {
      let next = try #require(words.dropFirst().first)
      let known = try #require(Self.commandOptions[next] ?? Self.commandOptions["convert"])
      #expect(known.isSuperset(of: wanted), "\(wanted)")
    } else if name.contains("/") {
      let path = "\(Fixtures.root)/\(name)"
      try #require(FileManager.default.isExecutableFile(atPath: path), "\(name)")
      let text = try String(contentsOfFile: path, encoding: .utf8)
      for option in wanted { #expect(text.contains(option), "\(option)") }
    } else {
      #expect(name == "swift")
    }
  }
}

extension Character {
  /// Whether it stands in names of files, and not in patterns.
  fileprivate var isPathPart: Bool { isASCII && (isLetter || isNumber || "/._-+".contains(self)) }
}
