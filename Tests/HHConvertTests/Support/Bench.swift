// A working folder with the fixtures in it, and what tests ask of a folder.

import Foundation
import HHFormat
import HHTestSupport
import Testing

/// A temporary working folder in which `models` and `data` are links to the fixtures.
struct Bench {
  let folder: TemporaryDirectory

  /// Makes the folder.
  init() throws {
    folder = try TemporaryDirectory()
    try folder.link("models", to: Fixtures.path("models"))
    try folder.link("data", to: Fixtures.path("data"))
  }

  /// Everything in the folder beside the links, hidden files too.
  var contents: Set<String> {
    get throws {
      Set(try directoryEntries(of: folder.path)).subtracting(["models", "data"])
    }
  }

  /// The bytes of a file in the folder.
  func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: folder.path(name)))
  }

  /// The arguments of a short conversion on so little text that a few steps see every row again.
  func few(_ model: String) throws -> [String] {
    let text = try String(contentsOfFile: Fixtures.path("data/corpus.txt"), encoding: .utf8)
    try folder.write(String(text.prefix(1500)), to: "few.txt")
    return [
      "models/\(model)", "--steps", "4", "--batch", "4", "--length", "32", "--data", "few.txt",
    ]
  }

  /// Writes the lines of a text of the fixtures as JSON lines with one key.
  func columns(_ key: String, of text: String, to name: String) throws {
    let lines = try String(contentsOfFile: Fixtures.path("data/\(text)"), encoding: .utf8)
      .split(separator: "\n").map { JSONValue.object([key: .string(String($0))]).text }
    try folder.write(lines.joined(separator: "\n") + "\n", to: name)
  }

  /// The arguments of a short conversion of a fixture to plain Hedgehog, with data of its kind.
  static func short(_ model: String, steps: Int = 4) -> [String] {
    let data =
      model == "vit"
      ? ["--data", "data/shapes/train-images-idx3-ubyte"]
      : ["--data", "data/corpus.txt", "--length", "32"]
    return ["models/\(model)", "--recipe", "hedgehog", "--steps", "\(steps)", "--batch", "4"] + data
  }
}

/// The fixtures' names.
let architectures = ["gpt2", "llama", "bert", "vit"]

/// The stages that events tell of, each once where it goes on.
func stages(of events: [JSONValue]) -> [String] {
  var stages: [String] = []
  for event in events where event["event"]?.string == "stage" {
    guard let stage = event["stage"]?.string, stage != stages.last else { continue }
    stages.append(stage)
  }
  return stages
}

/// A line of JSON.
func parse(_ line: String) throws -> JSONValue { try JSONValue(parsing: Array(line.utf8)) }

/// Expects one error, with at most a hint, and nothing on standard output; what is read may be named
/// before it.
func expectError(
  _ outcome: Tool.Outcome, _ message: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  let lines = outcome.errors.split(separator: "\n").drop { $0.hasPrefix("reading ") }
  #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
  #expect(lines.first?.hasPrefix("error: ") == true, "\(outcome)", sourceLocation: sourceLocation)
  #expect(lines.count <= 2, "\(outcome)", sourceLocation: sourceLocation)
  #expect(
    lines.dropFirst().allSatisfy { $0.hasPrefix("hint: ") }, "\(outcome)",
    sourceLocation: sourceLocation)
  #expect(
    outcome.errors.contains(message), "expected '\(message)' in \(outcome)",
    sourceLocation: sourceLocation)
  Golden.checkError(outcome.errors, like: message, sourceLocation: sourceLocation)
}

/// A NumPy file of version 1.0.
func numpy(_ type: String, _ shape: String, _ data: [UInt8]) -> [UInt8] {
  var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
  while (header.utf8.count + 11) % 64 != 0 { header += " " }
  header += "\n"
  let size = header.utf8.count
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(size & 255), UInt8(size >> 8)]
    + Array(header.utf8) + data
}
