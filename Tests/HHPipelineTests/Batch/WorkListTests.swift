// Which units paths stand for.

import HHFormat
import HHPipeline
import HHTestSupport
import Testing

@Suite("WorkList")
struct WorkListTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    for file in ["m/a/config.json", "m/a/model.safetensors", "m/b.gguf", "m/c/model.safetensors"] {
      try directory.write("", to: file)
    }
  }

  private func units(_ paths: String...) throws -> [String] {
    try WorkList.units(of: paths, outputFolder: "out").map { "\($0.model) -> \($0.output)" }
  }

  @Test("folders, files and lists, each model once")
  func kinds() throws {
    let (a, b, c) = (
      directory.path("m/a"), directory.path("m/b.gguf"), directory.path("m/c/model.safetensors")
    )
    let list = try directory.write("# models\n\n  \(c) \n\(b)\nnowhere/d.gguf\n", to: "list.txt")
    #expect(
      try units(directory.path("m")) == [
        "\(b) -> out/b.hedgehog.safetensors.zst", "\(a) -> out/a.hedgehog.safetensors.zst",
        "\(c) -> out/c.hedgehog.safetensors.zst",
      ])
    #expect(
      try units(list, b, a) == [
        "\(c) -> out/c.hedgehog.safetensors.zst", "\(b) -> out/b.hedgehog.safetensors.zst",
        "nowhere/d.gguf -> out/d.hedgehog.safetensors.zst",
        "\(a) -> out/a.hedgehog.safetensors.zst",
      ])
  }

  @Test("two models of one name are refused, both named")
  func conflict() throws {
    let other = try directory.write("", to: "n/b.gguf")
    let error = #expect(throws: FormatError.self) { try units(directory.path("m"), other) }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.file == "out/b.hedgehog.safetensors.zst")
    #expect(
      error?.problem
        == "expected one model of this name, found '\(directory.path("m/b.gguf"))' and '\(other)'")
  }

  @Test("paths that stand for nothing are refused")
  func nothing() throws {
    try directory.write("", to: "empty/readme.md")
    try directory.write("\n# nothing\n", to: "empty.txt")
    try directory.write([0xFF, 0x0A], to: "odd.txt")
    for (path, kind, problem) in [
      ("nowhere", FormatError.Kind.missingInput, "cannot be opened"),
      ("nowhere.txt", .missingInput, "cannot be opened"),
      ("empty", .missingInput, "expected a folder with models, found no safetensors or GGUF file"),
      ("empty.txt", .badData, "expected a path in each line, found none"),
      ("odd.txt", .badData, "expected UTF-8 text, found other bytes"),
    ] {
      let error = #expect(throws: FormatError.self) { try units(directory.path(path)) }
      #expect(error?.kind == kind, "\(path)")
      #expect(error?.problem.hasPrefix(problem) == true, "\(path): \(String(describing: error))")
    }
  }
}
