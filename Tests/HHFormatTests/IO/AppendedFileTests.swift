// Logs that grow line by line, whatever kills their writers.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("AppendedFile")
struct AppendedFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(
    "what is there stays, but for a torn last line",
    arguments: [("", "new\n"), ("a\nb\n", "a\nb\nnew\n"), ("a\nb", "a\nnew\n"), ("a", "new\n")])
  func appends(before: String, after: String) throws {
    let path = try directory.write(before, to: "log")
    try AppendedFile(at: path).append("new\n")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == after)
  }

  @Test(
    "the beginning of the last line that is not empty",
    arguments: [
      ("", false), ("x\nsummary 1\n", true), ("summary\n\n\n", true), ("summary\nx\n", false),
      ("summ\n", false), ("summary\nx", true),
    ])
  func lastLine(text: String, isThere: Bool) throws {
    let log = try AppendedFile(at: directory.write(text, to: "log"))
    #expect(log.lastLineBegins(with: "summary") == isThere)
  }

  @Test("a long log is not read as a whole, and what is no log is left as it is")
  func long() throws {
    let line = String(repeating: "x", count: 200_000) + "\n"
    let log = try AppendedFile(
      at: directory.write(line + "summary" + line + String(repeating: "\n", count: 9), to: "log"))
    #expect(log.lastLineBegins(with: "summary"))
    let path = try directory.write(String(repeating: "x", count: (1 << 20) + 1), to: "other")
    let error = #expect(throws: FormatError.self) { try AppendedFile(at: path) }
    #expect(error?.kind == .badData)
    #expect(try MappedFile(at: path).count == (1 << 20) + 1)
    let device = #expect(throws: FormatError.self) { try AppendedFile(at: "/dev/null") }
    #expect(device?.kind == .cannotCreate)
  }

  @Test("a log that is not there is made, a folder is refused")
  func creates() throws {
    let path = directory.path("new")
    let file = try AppendedFile(at: path)
    try file.append("1\n")
    try file.append("2\n")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "1\n2\n")
    let error = #expect(throws: FormatError.self) { try AppendedFile(at: directory.path) }
    #expect(error?.kind == .cannotCreate)
  }

  @Test("a folder is made once, and only where nothing else is")
  func folders() throws {
    let path = directory.path("folder")
    try makeFolder(at: path)
    try makeFolder(at: path)
    try directory.write("x", to: "folder/x")
    for taken in [path, join(path, "x"), join(path, "a/b")] {
      let error = #expect(throws: FormatError.self) { try makeFolder(at: taken) }
      #expect(error?.kind == .cannotCreate || error?.kind == .missingInput)
    }
    removeFile(at: join(path, "x"))
    removeFile(at: join(path, "x"))
    #expect(try directoryEntries(of: path).isEmpty)
  }
}
