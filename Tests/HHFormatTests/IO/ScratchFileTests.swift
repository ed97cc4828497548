// Files without a name.

import Glibc
import HHFormat
import HHTestSupport
import Testing

@Suite struct ScratchFileTests {
  @Test("A scratch file has its size and no name", arguments: [0, 1, 4096, 100_000])
  func nameless(size: Int) throws {
    let directory = try TemporaryDirectory()
    let file = try ScratchFile(in: directory.path, byteCount: size)
    #expect(try directoryEntries(of: directory.path).isEmpty)
    #expect(lseek(file.descriptor, 0, SEEK_END) == size)
  }

  @Test("A folder that does not exist is refused by name")
  func missing() throws {
    let error = #expect(throws: FormatError.self) {
      try ScratchFile(in: "/nonexistent/folder", byteCount: 1)
    }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.description.contains("/nonexistent/folder") == true)
  }

  @Test("More than the disk holds is an error before anything is written")
  func full() throws {
    let directory = try TemporaryDirectory()
    let error = #expect(throws: FormatError.self) {
      try ScratchFile(in: directory.path, byteCount: 1 << 60)
    }
    #expect(error?.kind == .io)
  }
}
