// Whole files: written completely or not at all.

import HHFormat
import HHTestSupport
import Testing

@Suite("SafetensorsWriter files")
struct SafetensorsWriterFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("a file is written, read back, and replaced only when asked")
  func write() throws {
    let path = directory.path("out.safetensors")
    func write(_ byte: UInt8, replacing: Bool) throws(FormatError) {
      try SafetensorsWriter.write(
        to: path, tensors: [("a", .u8, [2], [byte, byte]), ("b", .f32, [0], [])],
        metadata: [("format", "pt")], replacing: replacing)
    }
    func read() throws -> [UInt8] {
      let file = try SafetensorsFile(at: path)
      let tensor = try #require(file.tensors.first)
      return file.bytes(of: tensor).copied()
    }
    try write(1, replacing: false)
    #expect(try read() == [1, 1])
    let error = #expect(throws: FormatError.self) { try write(2, replacing: false) }
    #expect(error?.kind == .cannotCreate)
    #expect(try read() == [1, 1])
    try write(3, replacing: true)
    #expect(try read() == [3, 3])
  }

  @Test("a tensor with too few or too many bytes is refused and nothing is left behind")
  func wrongCount() throws {
    let path = directory.path("out.safetensors")
    for bytes in [[], [1], [1, 2, 3]] as [[UInt8]] {
      let error = #expect(throws: FormatError.self) {
        try SafetensorsWriter.write(to: path, tensors: [("a", .u8, [2], bytes)], metadata: [])
      }
      #expect(
        error
          == FormatError(
            .badData, file: path, place: "tensor 'a'",
            problem: "expected 2 bytes to write, found \(bytes.count)"))
    }
    #expect(try directoryEntries(of: directory.path).isEmpty)
  }

  @Test("bytes given in pieces are one tensor")
  func pieces() throws {
    let path = directory.path("out.safetensors")
    var forge = FileForge(seed: 9)
    let content = forge.bytes(1000)
    try SafetensorsWriter.write(to: path, tensors: [("a", .u8, [1000])], metadata: []) {
      _, sink throws(FormatError) in
      for start in stride(from: 0, to: 1000, by: 300) {
        let piece = Array(content[start..<min(start + 300, 1000)])
        try sink(piece.raw)
      }
    }
    let file = try SafetensorsFile(at: path)
    let found = file.bytes(of: file.tensors[0]).copied()
    #expect(found == content)
  }
}
