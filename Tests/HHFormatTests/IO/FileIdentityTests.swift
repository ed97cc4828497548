import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite("FileIdentity")
struct FileIdentityTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = try folder.write("abc\n", to: "file")
  }

  @Test("a file is the same under every name and after it was read")
  func same() throws {
    try folder.link("alias", to: "file")
    let first = try #require(FileIdentity(of: path))
    _ = try MappedFile(at: path).count
    #expect(FileIdentity(of: folder.path("alias")) == first)
    #expect(first.change(until: FileIdentity(of: path)) == nil)
  }

  @Test("a write is told by its size")
  func written() throws {
    let first = try #require(FileIdentity(of: path))
    try AppendedFile(at: path).append("d\n")
    #expect(first.change(until: FileIdentity(of: path)) == "expected 4 bytes, found 6")
  }

  @Test("a write whose time was put back is told all the same")
  func timePutBack() throws {
    var before = stat()
    // Safe (all): the status and the times outlive the calls.
    try #require(unsafe stat(path, &before) == 0)
    let first = try #require(FileIdentity(of: path))
    let descriptor = unsafe open(path, O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    // The system's clock of files ticks some hundred times a second.
    repeat {
      try #require(unsafe pwrite(descriptor, "xyz\n", 4, 0) == 4)
      var times = [before.st_atim, before.st_mtim]
      try #require(unsafe futimens(descriptor, &times) == 0)
    } while try changeTime() == before.st_ctim.tv_nsec
    #expect(
      first.change(until: FileIdentity(of: path))
        == "expected no change since it was opened, found a later one")
  }

  private func changeTime() throws -> Int {
    var status = stat()
    // Safe: the status outlives the call.
    try #require(unsafe stat(path, &status) == 0)
    return status.st_ctim.tv_nsec
  }

  @Test("nothing, and a path that C would cut short, have no identity", arguments: ["", "x\0y"])
  func nothing(name: String) {
    #expect(FileIdentity(of: name) == nil)
    #expect(FileIdentity(of: folder.path("none")) == nil)
  }

  @Test("another file under the name is no change of the first, nor is none")
  func replaced() throws {
    let first = try #require(FileIdentity(of: path))
    #expect(first.change(until: nil) == nil)
    // A second file beside the first has a number of its own.
    let other = try folder.write("longer", to: "other")
    #expect(first.change(until: FileIdentity(of: other)) == nil)
  }
}
