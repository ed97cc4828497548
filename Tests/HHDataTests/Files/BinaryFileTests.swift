// Files that are given for text and are something else.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("BinaryFile")
struct BinaryFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  static let others: [(bytes: [UInt8], name: String, hint: String)] = [
    ([0x1F, 0x8B, 8, 0], "gzip data", "gunzip"),
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd data", "zstd -d"),
    (Array("BZh91AY".utf8), "bzip2 data", "bunzip2"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz data", "unxz"),
    ([0x50, 0x4B, 3, 4, 20], "a zip archive", "unzip"),
    ([0x37, 0x7A, 0xBC, 0xAF], "a 7z archive", "unpack"),
    (Array("PAR1".utf8), "a Parquet file", "to_json"),
    (Array("ARROW1\0\0".utf8), "an Arrow file", "to_json"),
    (Array("%PDF-1.7".utf8), "a PDF document", "pdftotext"),
    (Array("SQLite format 3\0".utf8), "an SQLite database", "export"),
    ([0x89, 0x48, 0x44, 0x46], "an HDF5 file", "export"),
    ([0x93] + Array("NUMPY".utf8), "a NumPy array", "'.npy'"),
    ([0xFF, 0xFE, 0x61, 0], "UTF-16 text", "iconv"),
    ([0xFE, 0xFF, 0, 0x61], "UTF-16 text", "iconv"),
    (Array("version https://git-lfs.github.com/spec/v1".utf8), "a Git LFS pointer", "lfs pull"),
  ]

  @Test("what is no text is named, with what to do about it", arguments: others)
  func refused(_ bytes: [UInt8], _ name: String, _ hint: String) throws {
    let path = try directory.write(bytes, to: "x.txt")
    let error = try #require(throws: FormatError.self) { try BinaryFile.refuse(at: path) }
    #expect(error.kind == .unsupported && error.file == path)
    #expect(error.problem == "expected text, found \(name)")
    #expect(error.hint?.contains(hint) == true)
  }

  @Test(
    "text passes, and so does what only begins like one of them",
    arguments: ["", "P", "PK", "PAR", "BZ", "7z", "%PD", "version https://git", "a\u{1F}\u{8B}"])
  func text(_ text: String) throws {
    try BinaryFile.refuse(at: try directory.write(text, to: "x.txt"))
  }

  @Test("a file that is not there is an error of its own")
  func missing() throws {
    let error = #expect(throws: FormatError.self) {
      try BinaryFile.refuse(at: directory.path("none"))
    }
    #expect(error?.kind == .missingInput)
  }
}
