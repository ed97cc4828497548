// Every command that a document tells a reader to run, run.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("the documents' commands")
struct DocumentCommandsTests {
  /// What a reader has before the first command: a checkout with the program built, as a folder of
  /// links, and room for temporary folders.
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    for name in ["fixtures", "python", "schemas", "scripts"] {
      try folder.link("checkout/\(name)", to: "\(Fixtures.root)/\(name)")
    }
    try folder.link("checkout/.build/release/hh-convert", to: Tool.path)
  }

  /// The commands that every document begins with: the first block of README.md that is run.
  private static func preparation() throws -> [Document.Command] {
    let commands = try Document.named("README.md").commands.filter { $0.skipReason == nil }
    return commands.filter { $0.block == commands.first?.block }
  }

  /// Runs the commands in one shell and returns the status of each and its output, both streams in
  /// the order in which they were written.
  private func run(_ commands: [String]) throws -> [(output: String, status: String)] {
    var script = "export TMPDIR='\(folder.path)'\ncd '\(folder.path("checkout"))'\n"
    for (index, command) in commands.enumerated() {
      let log = folder.path("log-\(index)")
      script += "{\n\(command)\n} >'\(log)' 2>&1 </dev/null\necho $? >'\(log).status'\n"
    }
    let outcome = try Tool.shell(script, in: folder)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    return try commands.indices.map { index in
      let log = folder.path("log-\(index)")
      let status = try String(contentsOfFile: "\(log).status", encoding: .utf8)
      return (
        try String(contentsOfFile: log, encoding: .utf8),
        status.trimmingCharacters(in: .whitespacesAndNewlines)
      )
    }
  }

  /// Whether a command is one that this machine has: `zstd` may be missing.
  private func isPossible(_ command: String) throws -> Bool {
    guard command.hasPrefix("zstd ") else { return true }
    return try Tool.shell("command -v zstd", in: folder).status == 0
  }

  /// Runs a document's commands in an empty folder and compares what they print.
  private func check(_ document: Document, then more: String...) throws {
    let preparation = try Self.preparation()
    let own = try document.commands.filter { try $0.skipReason == nil && isPossible($0.text) }
    let commands = document.path == "README.md" ? own : preparation + own
    let results = try run(commands.map(\.text) + more)
    for (command, result) in zip(commands, results) {
      #expect(
        command.fails == (result.status != "0"),
        "\(command.place): '\(command.text)' ended with \(result.status): \(result.output)")
      guard !command.shown.isEmpty else { continue }
      let difference = ShownOutput.difference(command.shown, from: result.output)
      #expect(difference == nil, "\(command.place): '\(command.text)': \(difference ?? "")")
    }
    for (result, command) in zip(results.suffix(more.count), more) {
      #expect(result.status == "0", "\(command)\n\(result.output)")
    }
  }

  @Test(
    "they run from top to bottom in an empty folder and print what is shown",
    arguments: Document.all.filter { $0.commands.contains { $0.skipReason == nil } })
  func commands(_ document: Document) throws {
    try check(document)
  }

  @Test("the Python of docs/artifact.md reads every tensor and file", .needsPython)
  func artifactInPython() throws {
    try checkPython(
      of: "docs/artifact.md",
      then: """
        from safetensors.numpy import load_file
        source = load_file("fixtures/models/gpt2/model.safetensors")
        entries = artifact.manifest["tensors"]
        assert {name for name in entries if entries[name]["origin"] == "kept"} == set(source)
        for name in source:
            assert tensors[name].shape == source[name].shape, name
            assert tensors[name].tobytes() == source[name].tobytes(), name
        new = tensors["layers.0.attention.feature_map.query.weight"]
        assert new.dtype == np.float32 and new.shape == (4, 16, 16)
        assert "tokenizer.json" in files
        for name, content in files.items():
            assert content == open(f"fixtures/models/gpt2/{name}", "rb").read(), name
        """)
  }

  @Test("the Python of docs/python.md reads tensors and files", .needsPython)
  func packageInPython() throws {
    try checkPython(
      of: "docs/python.md",
      then: """
        assert shapes["transformer.wte.weight"] == list(tensor.shape) == [512, 64]
        assert tokenizer == open("fixtures/models/gpt2/tokenizer.json", "rb").read()
        """)
  }

  @Test(
    "the Python of docs/export.md runs an exported model",
    .needsPython(with: "torch", "transformers"))
  func exportInPython() throws {
    try checkPython(of: "docs/export.md", then: "assert text.startswith('the cat'), text")
  }

  @Test(
    "the Python of docs/onnx.md runs an exported decoder",
    .needsPython(with: "onnxruntime"))
  func onnxInPython() throws {
    try checkPython(of: "docs/onnx.md", then: "assert tokens.shape == (1, 43), tokens")
  }

  /// Runs the one Python block of a document after its commands, and a check behind it.
  private func checkPython(of path: String, then check: String) throws {
    let document = try Document.named(path)
    let blocks = document.fences.filter { $0.language == "python" }
    let block = try #require(blocks.first)
    #expect(blocks.count == 1)
    let program = (block.lines + [check]).joined(separator: "\n")
    try self.check(document, then: "'\(try #require(Python.path))' - <<'END'\n\(program)\nEND")
  }
}
