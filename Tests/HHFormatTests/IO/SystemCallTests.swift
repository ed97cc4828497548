import Glibc
import HHTestSupport
import Testing

@testable import HHFormat

@Suite("SystemCall")
struct SystemCallTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("an error has the system's words, one that the system does not know its number")
  func messages() {
    #expect(systemMessage(ENOENT) == "No such file or directory")
    #expect(systemMessage(123_456).contains("123456"))
  }

  @Test("links are followed to what they lead to")
  func kinds() throws {
    try folder.write("x", to: "file")
    try folder.link("to-file", to: "file")
    try folder.link("dead", to: "nowhere")
    #expect(try PathKind(of: folder.path("to-file")) == .regularFile)
    #expect(try PathKind(of: folder.path) == .directory)
    #expect(try PathKind(of: "/dev/null") == .other("a device"))
    let pipe = folder.path("pipe")
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    #expect(try PathKind(of: pipe) == .other("a pipe"))
    #expect(PathKind(mode: S_IFSOCK) == .other("a socket"))
    let dead = folder.path("dead")
    #expect(
      throws: FormatError(
        .missingInput, file: dead, problem: "cannot be opened: No such file or directory")
    ) { try PathKind(of: dead) }
  }

  @Test("a path that C would cut short is none", arguments: ["", "a\0b"])
  func unusable(path: String) {
    let error = #expect(throws: FormatError.self) { try PathKind(of: path) }
    #expect(error?.problem == "not a usable path" && error?.kind == .missingInput)
  }

  @Test("entries come in the order of their bytes, hidden ones too")
  func entries() throws {
    for name in ["b", "a", ".h", "é", "B", "a0"] { try folder.write("", to: name) }
    #expect(try directoryEntries(of: folder.path) == [".h", "B", "a", "a0", "b", "é"])
    let error = #expect(throws: FormatError.self) {
      try directoryEntries(of: folder.path("a"))
    }
    #expect(error?.problem == "cannot be opened: Not a directory")
  }

  @Test("a resolved path has no link in it")
  func resolved() throws {
    try folder.write("", to: "real/file")
    try folder.link("alias", to: "real")
    #expect(try resolvedPath(folder.path("alias/../alias/file")) == folder.path("real/file"))
    #expect(throws: FormatError.self) { try resolvedPath(folder.path("none")) }
  }
}
