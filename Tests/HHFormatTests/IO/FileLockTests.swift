// Locks of files: one holder at a time.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("FileLock")
struct FileLockTests {
  @Test("a file has one holder, until that one is gone, and keeps its content")
  func exclusive() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("a\nb", to: "log")
    func isFree() throws -> Bool { try FileLock(of: path) != nil }
    do {
      let holder = try #require(try FileLock(of: path))
      #expect(try !isFree())
      withExtendedLifetime(holder) {}
    }
    #expect(try isFree())
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "a\nb")
  }

  @Test("a file that is not there is made, a folder is refused")
  func creates() throws {
    let directory = try TemporaryDirectory()
    #expect(try FileLock(of: directory.path("new")) != nil)
    let error = #expect(throws: FormatError.self) { try FileLock(of: directory.path) }
    #expect(error?.kind == .cannotCreate)
  }
}
