import HHFormat
import HHTestSupport
import Testing

@Suite("Folders")
struct FoldersTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("a folder is made, and an empty one kept")
  func make() throws {
    let path = folder.path("new")
    for _ in 0..<2 { try makeFolder(at: path) }
    #expect(try PathKind(of: path) == .directory)
  }

  @Test("a file of the name, a full folder and a missing parent are refused")
  func refused() throws {
    let file = try folder.write("x", to: "full/file")
    func problem(_ path: String) -> String? {
      let error = #expect(throws: FormatError.self) { try makeFolder(at: path) }
      #expect(error?.kind == .cannotCreate && error?.file == path)
      return error?.problem
    }
    #expect(problem(file) == "cannot be created: File exists")
    #expect(
      problem(folder.path("full")) == "expected a new or empty folder, found one with files")
    #expect(problem(folder.path("no/new")) == "cannot be created: No such file or directory")
  }

  @Test("a folder of files goes, and what cannot be removed stays without an error")
  func remove() throws {
    try folder.write("x", to: "a/file")
    removeFolder(at: folder.path("a"))
    try folder.write("x", to: "b/inner/file")
    removeFolder(at: folder.path("b"))
    removeFolder(at: folder.path("none"))
    try folder.write("x", to: "c")
    for _ in 0..<2 { removeFile(at: folder.path("c")) }
    #expect(try directoryEntries(of: folder.path) == ["b"])
  }
}
