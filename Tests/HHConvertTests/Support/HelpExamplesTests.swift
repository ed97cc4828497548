// The examples in the help of every command, and what shells complete.

import HHFormat
import HHTestSupport
import Testing

@Suite("Help and completions")
struct HelpExamplesTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func run(_ arguments: String...) throws -> String {
    let outcome = try Tool.run(arguments, in: folder)
    #expect(outcome.status == 0)
    return outcome.output
  }

  /// The commands that do something themselves or through others, each with what calls it.
  private func commands(of command: JSONValue, _ path: String) -> [(path: String, JSONValue)] {
    let others = (command["subcommands"]?.array ?? []).flatMap { other in
      commands(of: other, "\(path) \(other["commandName"]?.string ?? "")")
    }
    return [(path, command)] + others
  }

  @Test("every command's help begins with two examples of options that it has")
  func examples() throws {
    let root = try JSONValue(parsing: Array(run("--experimental-dump-help").utf8))
    let all = commands(of: try #require(root["command"]), "hh-convert")
      .dropFirst().filter { !$0.path.hasPrefix("hh-convert help") }
    #expect(all.count == 20)
    for (path, command) in all {
      let lines = (command["discussion"]?.string ?? "").split(separator: "\n")
      let examples = lines.dropFirst().prefix { $0.hasPrefix("  hh-convert ") }
      #expect(lines.first == "Examples:" && examples.count == 2, "\(path)")
      let names = Set(
        (command["arguments"]?.array ?? []).flatMap { $0["names"]?.array ?? [] }
          .compactMap { $0["name"]?.string })
      for example in examples.map({ "\($0) " }) {
        #expect(example.hasPrefix("  \(path) ") && example.count <= 81, "\(example)")
        for word in example.split(separator: " ") where word.hasPrefix("--") {
          #expect(names.contains(String(word.dropFirst(2))), "\(example)")
        }
      }
    }
  }

  @Test("shells complete commands, options and their values", arguments: ["bash", "zsh", "fish"])
  func completions(_ shell: String) throws {
    let script = try run("--generate-completion-script", shell)
    for word in [
      "generate", "finetune-loss", "zephyr", "hedgehog-softmax-split", "hybrid", "quick", "recall",
      "bf16", "associative-recall",
    ] { #expect(script.contains(word), "\(word)") }
  }
}
