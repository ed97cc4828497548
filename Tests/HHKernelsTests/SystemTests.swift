// Calls of Linux that Swift does not see.

import Foundation
import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("System")
struct SystemTests {
  @Test("two names are exchanged, and a missing one is an error")
  func exchange() throws {
    let folder = try TemporaryDirectory()
    let (a, b) = (try folder.write("a", to: "x"), try folder.write("b", to: "y"))
    #expect(exchangeNames(a, b) == 0)
    #expect(try String(contentsOfFile: a, encoding: .utf8) == "b")
    #expect(try String(contentsOfFile: b, encoding: .utf8) == "a")
    #expect(exchangeNames(a, folder.path("none")) == ENOENT)
  }

  @Test("a file of the system is read as text, up to 64 KiB")
  func files() throws {
    let folder = try TemporaryDirectory()
    #expect(systemFile(try folder.write("5 6\n", to: "x")) == "5 6\n")
    #expect(systemFile("/proc/self/statm")?.split(separator: " ").count == 7)
    #expect(systemFile(folder.path("none")) == nil && systemFile(folder.path) == nil)
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 17)
    #expect(systemFile(try folder.write(long, to: "long"))?.utf8.count == 1 << 16)
  }

  @Test("no signal is asked for that there is not")
  func parent() {
    #expect(endWithParent(by: 4096) == EINVAL)
  }
}
