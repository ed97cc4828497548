// Files of other formats are named, with advice.

import HHFormat
import HHTestSupport
import Testing

@Suite("ForeignFormat")
struct ForeignFormatTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func error(_ path: String, configuration: String? = nil) throws -> FormatError {
    try #require(
      throws: FormatError.self, "\(path)",
      performing: { try Checkpoint(opening: path, configuration: configuration) })
  }

  @Test(
    "a file of another format is named, with advice",
    arguments: [
      ("PK\u{3}\u{4}\0\0\u{8}\u{8}", 24, "a PyTorch pickle or zip archive", "convert it to"),
      ("hello, this is text\n", 0, "text", ""),
      ("{\"a\": 1, \"b\": 2}", 0, "JSON text", "an index is recognised by its name"),
      (
        "version https://git-lfs.github.com/spec/v1\noid sha256:00", 0,
        "a Git LFS pointer in place of the file", "run 'git lfs pull'"
      ),
    ])
  func otherFormats(head: String, zeros: Int, found: String, hint: String) throws {
    let bytes = Array(head.utf8) + Array(repeating: 0, count: zeros)
    for name in ["model.safetensors", "pytorch_model.bin"] {
      let path = try directory.write(bytes, to: name)
      let error = try error(path)
      #expect(error.file == path)
      #expect(error.problem == "not a checkpoint: expected safetensors, found \(found)")
      #expect(error.hint?.hasPrefix(hint) ?? hint.isEmpty)
    }
  }

  @Test("binary formats are told by their first bytes")
  func binaryFormats() throws {
    for (head, found) in [
      ([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46], "a PyTorch pickle or zip archive"),
      ([0x1F, 0x8B, 0x08, 0x00, 0x01, 0x02, 0x03, 0x04], "a gzip stream"),
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "HDF5 (Keras, TensorFlow)"),
    ] as [([UInt8], String)] {
      let path = try directory.write(head + Array(repeating: 0, count: 100), to: "model.bin")
      let error = try error(path)
      #expect(error.kind == .unsupported)
      #expect(error.problem == "not a checkpoint: expected safetensors, found \(found)")
    }
  }

  @Test("a folder with weights of another kind only gets the same advice")
  func folderOfOtherFormat() throws {
    try directory.write("{}", to: "config.json")
    let path = try directory.write([0x80, 2] + Array(repeating: 0xAA, count: 60), to: "model.bin")
    let error = try error(directory.path)
    #expect(error.file == path)
    #expect(error.hint?.hasPrefix("convert it to safetensors first") == true)
  }
}
