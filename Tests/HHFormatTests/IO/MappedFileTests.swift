// Files are mapped as they are; what is no regular file is refused without waiting for it.

import Glibc
import HHTestSupport
import Testing

@testable import HHFormat

@Suite("MappedFile")
struct MappedFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("the bytes are the file's", arguments: [0, 1, 4095, 4096, 4097, 100_000])
  func bytes(count: Int) throws {
    var forge = FileForge(seed: 5)
    let content = forge.bytes(count)
    let path = try directory.write(content, to: "file")
    let file = try MappedFile(at: path)
    #expect(file.path == path)
    #expect(file.count == count)
    let found = file.bytes.copied()
    #expect(found == content)
  }

  @Test("released memory is read again", arguments: [0..<1, 0..<100_000, 70_000..<99_999, 5..<5])
  func release(range: Range<Int>) throws {
    var forge = FileForge(seed: 6)
    let content = forge.bytes(100_000)
    let file = try MappedFile(at: try directory.write(content, to: "file"))
    for _ in 0..<2 {
      let found = file.bytes.copied()
      #expect(found == content)
      file.release(range)
    }
  }

  @Test("a file replaced by renaming keeps its mapped bytes")
  func replaced() throws {
    let path = try directory.write([1, 2, 3], to: "file")
    let file = try MappedFile(at: path)
    let other = try directory.write([9, 9, 9, 9], to: "other")
    // Safe: both paths are passed as C strings.
    #expect(unsafe rename(other, path) == 0)
    let found = file.bytes.copied()
    #expect(found == [1, 2, 3])
  }

  @Test("a link is followed")
  func link() throws {
    try directory.write([7], to: "file")
    let file = try MappedFile(at: try directory.link("link", to: "file"))
    #expect(file.count == 1)
  }

  @Test("what is no file is refused in words")
  func others() throws {
    let pipe = directory.path("pipe")
    // Safe: the path is passed as a C string.
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    for (path, found) in [
      (pipe, "a pipe"), (directory.path, "a directory"), ("/dev/null", "a device"),
    ] {
      #expect(throws: FormatError(.badData, file: path, problem: "expected a file, found \(found)"))
      {
        try MappedFile(at: path)
      }
    }
  }

  @Test("what does not exist is missing input")
  func missing() throws {
    let file = try directory.write([], to: "file")
    for (path, reason) in [
      (directory.path("absent"), "No such file or directory"), (file + "/x", "Not a directory"),
    ] {
      #expect(
        throws: FormatError(.missingInput, file: path, problem: "cannot be opened: \(reason)")
      ) { try MappedFile(at: path) }
    }
    #expect(throws: FormatError.self) { try MappedFile(at: "") }
    #expect(throws: FormatError.self) { try MappedFile(at: file + "\0") }
  }
}
