// A defective configuration is refused with its key and what was expected; no prefix of one passes.

import HHFormat
import HHTestSupport
import Testing

@Suite("Defective configurations")
struct ConfigurationDefectTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The configuration of a golden model as text.
  private func text(_ golden: String) throws -> String {
    let file = try MappedFile(at: Fixtures.path("golden/forward/\(golden)/config.json"))
    return String(decoding: file.bytes.copied(), as: UTF8.self)
  }

  /// Opens a golden model with another configuration.
  private func open(_ golden: String, _ configuration: [UInt8]) throws -> NameMap {
    let path = try directory.write(configuration, to: "config.json")
    return try NameMap(
      try Checkpoint(
        opening: Fixtures.path("golden/forward/\(golden)/model.safetensors"), configuration: path))
  }

  @Test("each defect is named", arguments: ConfigurationDefect.all)
  func defect(_ defect: ConfigurationDefect) throws {
    let text = try text(defect.golden)
    let bytes = defect.bytes(from: text)
    try #require(bytes != Array(text.utf8))
    let error = #expect(throws: FormatError.self) { try open(defect.golden, bytes) }
    #expect(error?.kind == defect.kind)
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains("expected ") == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains(", found ") == true, "\(error?.problem ?? "")")
    // A shape is the checkpoint's; everything else is in the configuration.
    let file =
      defect.place.hasPrefix("tensor")
      ? Fixtures.path("golden/forward/\(defect.golden)/model.safetensors")
      : directory.path("config.json")
    #expect(error?.file == file)
  }

  @Test("no prefix is a configuration", arguments: ["gpt2-base", "llama-llama3-rope"])
  func prefixes(golden: String) throws {
    let bytes = Array(try text(golden).utf8)
    _ = try open(golden, bytes)
    let end = bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0
    for length in 0...end {
      #expect(throws: FormatError.self, "\(length) bytes") {
        try open(golden, Array(bytes[..<length]))
      }
    }
  }
}
