// GGUF models in several files.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFSplit")
struct GGUFSplitTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func contentOf(_ path: String) throws -> [UInt8] {
    let file = try MappedFile(at: path)
    return file.bytes.copied()
  }

  @Test("a part that a link leads to another folder is refused; parts linked together are not")
  func linkedParts() throws {
    let cache = try TemporaryDirectory()
    let names = (1...3).map { "parts-0000\($0)-of-00003.gguf" }
    for name in names {
      try cache.write(try contentOf(Fixtures.path("golden/gguf/\(name)")), to: name)
      try directory.link("linked/\(name)", to: cache.path(name))
    }
    let opened = try Checkpoint(opening: directory.path("linked/\(names[0])"))
    #expect(opened.tensors.count == 5)
    let other = try TemporaryDirectory()
    try other.link(names[0], to: cache.path(names[0]))
    try other.link(names[1], to: cache.path(names[1]))
    let elsewhere = try directory.write(try contentOf(cache.path(names[2])), to: "secret.gguf")
    try other.link(names[2], to: elsewhere)
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: other.path(names[0]))
    }
    #expect(error?.file == other.path(names[2]))
    #expect(
      error?.problem
        == "expected a file in the folder of the first part, found a link to '\(elsewhere)'")
  }

  /// The reference's three parts in a folder of their own; the first is to be opened.
  private func parts() throws -> String {
    for number in 1...3 {
      let name = "parts-0000\(number)-of-00003.gguf"
      try directory.write(
        try contentOf(Fixtures.path("golden/gguf/\(name)")), to: "p-0000\(number)-of-00003.gguf")
    }
    return directory.path("p-00001-of-00003.gguf")
  }

  @Test("gguf-py's parts are one model, opened by the first part or the folder")
  func split() throws {
    let path = try parts()
    for path in [path, directory.path] {
      let checkpoint = try Checkpoint(opening: path)
      #expect(checkpoint.tensors.map(\.name) == (0..<5).map { "t.\($0)" })
      #expect(checkpoint.sourceFiles.count == 3)
      for number in 0..<5 {
        let expected = Array(repeating: Float(number), count: number + 1)
        #expect(try checkpoint.floats(of: "t.\(number)") == expected)
      }
    }
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: directory.path("p-00002-of-00003.gguf"))
    }
    #expect(error?.problem == "expected 0, found 1")
    #expect(error?.hint == "pass 'p-00001-of-00003.gguf' instead")
  }

  @Test(
    "the name of a part is taken apart, and gives those of its siblings",
    arguments: [
      ("m-00002-of-00003.gguf", "m", 2, 3), ("a-b-00001-of-00012.gguf", "a-b", 1, 12),
      ("-00001-of-00001.gguf", "", 1, 1),
    ])
  func names(name: String, stem: String, number: Int, count: Int) throws {
    let part = try #require(GGUFPartName(name))
    #expect(part.stem == stem && part.number == number && part.count == count)
    #expect(part.sibling(number) == name)
    #expect(GGUFPartName(stem: stem, count: count).sibling(number) == name)
  }

  @Test(
    "any other name is no part's",
    arguments: [
      "m.gguf", "m-00001-of-00002.safetensors", "m-1-of-2.gguf", "m-00001-of-00002", "00001-of-2",
      "m-000001-of-000002.gguf", "m-0000x-of-00002.gguf", "m-+0001-of-00002.gguf",
    ])
  func otherNames(name: String) { #expect(GGUFPartName(name) == nil) }
}
